# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Takes the code of kernels and the data of constants out of an engine's text.

The text is that of `tenonc --stop-after=engine`, from stdin to stdout.
"""

import re
import sys

text = sys.stdin.read()
# The body of a kernel ends with the first brace as far left as its head.
text = re.sub(
    r"^( *)(engine\.kernel [^\n]*) \{\n.*?^\1\}$",
    r"\1\2",
    text,
    flags=re.MULTILINE | re.DOTALL,
)
text = re.sub(r"^( *%\w+ = engine\.constant .*\]) = .*$", r"\1", text, flags=re.MULTILINE)
sys.stdout.write(text.split("{-#")[0])
