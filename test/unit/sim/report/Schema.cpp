//===- Schema.cpp - Checks JSON against a schema --------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "test/unit/sim/report/Schema.h"

#include <algorithm>

using Json = nlohmann::json;

static bool hasType(const Json &value, const std::string &type) {
  return type == "object"    ? value.is_object()
         : type == "array"   ? value.is_array()
         : type == "string"  ? value.is_string()
         : type == "boolean" ? value.is_boolean()
         : type == "integer" ? value.is_number_integer()
         : type == "number"  ? value.is_number()
                             : false;
}

static std::string check(const Json &root, const Json &schema,
                         const Json &value, const std::string &path);

static std::string checkObject(const Json &root, const Json &schema,
                               const Json &value, const std::string &path) {
  const Json properties = schema.value("properties", Json::object());
  for (const Json &name : schema.value("required", Json::array()))
    if (!value.contains(name.get<std::string>()))
      return path + ": missing " + name.get<std::string>();
  for (const auto &[name, field] : value.items()) {
    std::string at = path + "." + name, error;
    if (schema.contains("propertyNames"))
      error = check(root, schema["propertyNames"], name, at);
    if (error.empty() && properties.contains(name))
      error = check(root, properties[name], field, at);
    else if (error.empty() && schema.contains("additionalProperties")) {
      const Json &rest = schema["additionalProperties"];
      if (rest.is_boolean() && !rest.get<bool>())
        return at + ": not in the schema";
      if (rest.is_object())
        error = check(root, rest, field, at);
    }
    if (!error.empty())
      return error;
  }
  return "";
}

static std::string check(const Json &root, const Json &schema,
                         const Json &value, const std::string &path) {
  if (schema.contains("$ref"))
    return check(root,
                 root.at(Json::json_pointer(
                     schema["$ref"].get<std::string>().substr(1))),
                 value, path);
  for (const auto &[keyword, argument] : schema.items()) {
    static const char *kKnown[] = {
        "$schema",     "$defs",         "title",
        "description", "type",          "properties",
        "required",    "items",         "enum",
        "const",       "minimum",       "minItems",
        "maxItems",    "propertyNames", "additionalProperties"};
    if (std::find(std::begin(kKnown), std::end(kKnown), keyword) ==
        std::end(kKnown))
      return path + ": unknown keyword " + keyword;
    bool ok = true;
    if (keyword == "type")
      ok = hasType(value, argument.get<std::string>());
    else if (keyword == "enum")
      ok = std::find(argument.begin(), argument.end(), value) != argument.end();
    else if (keyword == "const")
      ok = value == argument;
    else if (keyword == "minimum")
      ok = value.is_number() && value.get<double>() >= argument.get<double>();
    else if (keyword == "minItems")
      ok = value.size() >= argument.get<size_t>();
    else if (keyword == "maxItems")
      ok = value.size() <= argument.get<size_t>();
    if (!ok)
      return path + ": " + value.dump() + " breaks " + keyword + " " +
             argument.dump();
  }
  if (value.is_array() && schema.contains("items"))
    for (size_t i = 0; i < value.size(); ++i)
      if (std::string error = check(root, schema["items"], value[i],
                                    path + "[" + std::to_string(i) + "]");
          !error.empty())
        return error;
  return value.is_object() ? checkObject(root, schema, value, path) : "";
}

std::string tenon::test::breachOf(const Json &schema, const Json &value) {
  return check(schema, schema, value, "$");
}
