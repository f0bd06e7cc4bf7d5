#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Computes the polynomials of kernels/Math: prints Coefficients.h.

Needs mpmath and numpy. Run by hand when a polynomial changes:
    python3 kernels/Math/fit.py | clang-format-22 > kernels/Math/Coefficients.h

Each polynomial interpolates at Chebyshev nodes in 60 digits, which is within a
small factor of the best one; log(erfc) for f32 is a weighted minimax fit
(Lawson's iteration), since only its absolute effect on erf counts.
Test: test/unit/math/MathTest.cpp measures the errors of the whole functions.
"""
import mpmath as mp
import numpy as np

mp.mp.dps = 60


def chebyshev(function, low, high, degree):
    """Coefficients c[0..degree] of the interpolant, and its largest error."""
    low, high = mp.mpf(low), mp.mpf(high)
    n = degree + 1
    nodes = [(low + high) / 2 + (high - low) / 2 *
             mp.cos(mp.pi * (2 * k + 1) / (2 * n)) for k in range(n)]
    matrix = mp.matrix(n, n)
    right = mp.matrix(n, 1)
    for i, x in enumerate(nodes):
        right[i] = function(x)
        for j in range(n):
            matrix[i, j] = x**j
    solution = mp.lu_solve(matrix, right)
    coefficients = [solution[j] for j in range(n)]
    error = max(abs(mp.polyval(coefficients[::-1], x) - function(x))
                for x in mp.linspace(low, high, 401))
    return coefficients, error


def lawson(function, weight, low, high, degree):
    """Weighted minimax by iteratively reweighted least squares."""
    k = np.arange(2000)
    x = (low + high) / 2 + (high - low) / 2 * np.cos(np.pi * (k + .5) / 2000)
    y = np.array([float(function(v)) for v in x])
    w = np.array([float(weight(v)) for v in x])
    scale = np.ones_like(x)
    u = (2 * x - low - high) / (high - low)
    basis = np.polynomial.chebyshev.chebvander(u, degree)
    for _ in range(200):
        s = np.sqrt(scale) * w
        c, *_ = np.linalg.lstsq(basis * s[:, None], y * s, rcond=None)
        error = np.abs(basis @ c - y) * w
        scale = scale * error / np.sum(scale * error) * len(x)
    # To monomials of x, exactly enough.
    poly = np.polynomial.chebyshev.Chebyshev(c, [low, high])
    return list(poly.convert(kind=np.polynomial.Polynomial).coef), error.max()


def nonzero(function, at_zero):
    return lambda x: at_zero if abs(x) < mp.mpf(10)**-12 else function(x)


def root(function, at_zero):
    """A function of z = x**2 given as one of x."""
    return nonzero(lambda z: function(mp.sqrt(z)), at_zero)


LN2H = mp.log(2) / 2 + mp.mpf('0.002')
exp_q = nonzero(lambda r: (mp.exp(r) - 1 - r) / r**2, mp.mpf(1) / 2)
log_r = root(lambda s: (mp.log((1 + s) / (1 - s)) - 2 * s) / s**3,
             mp.mpf(2) / 3)
LOG_Z = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) + mp.mpf('0.0005'))**2
PI4_Z = (mp.pi / 4 + mp.mpf('0.001'))**2

POLYNOMIALS = [
    ('kExpF32', 'exp(r) = 1 + r + r^2 P(r), |r| <= ln(2)/2',
     lambda: chebyshev(exp_q, -LN2H, LN2H, 4)),
    ('kExpF64', 'the same',
     lambda: chebyshev(exp_q, -LN2H, LN2H, 9)),
    ('kLogF32', 'log((1 + s)/(1 - s)) = 2 s + s^3 P(s^2), |s| <= 0.1716',
     lambda: chebyshev(log_r, 0, LOG_Z, 3)),
    ('kLogF64', 'the same',
     lambda: chebyshev(log_r, 0, LOG_Z, 6)),
    ('kLogLongF64', 'the same, for pow',
     lambda: chebyshev(log_r, 0, LOG_Z, 8)),
    ('kTanhF32', 'tanh(x) = x + x^3 P(x^2), |x| <= 0.6',
     lambda: chebyshev(root(lambda x: (mp.tanh(x) - x) / x**3,
                            -mp.mpf(1) / 3), 0, mp.mpf('0.361'), 4)),
    ('kTanhF64', 'the same',
     lambda: chebyshev(root(lambda x: (mp.tanh(x) - x) / x**3,
                            -mp.mpf(1) / 3), 0, mp.mpf('0.361'), 11)),
    ('kSinF64', 'sin(r) = r + r^3 P(r^2), |r| <= pi/4',
     lambda: chebyshev(root(lambda r: (mp.sin(r) - r) / r**3,
                            -mp.mpf(1) / 6), 0, PI4_Z, 5)),
    ('kCosF64', 'cos(r) = 1 - r^2/2 + r^4 P(r^2), |r| <= pi/4',
     lambda: chebyshev(root(lambda r: (mp.cos(r) - 1 + r**2 / 2) / r**4,
                            mp.mpf(1) / 24), 0, PI4_Z, 5)),
    ('kAtanF64', 'atan(t) = t + t^3 P(t^2), |t| <= tan(pi/8)',
     lambda: chebyshev(root(lambda t: (mp.atan(t) - t) / t**3,
                            -mp.mpf(1) / 3), 0, mp.mpf('0.17165'), 11)),
    ('kAsinF64', 'asin(x) = x + x^3 P(x^2), |x| <= 1/2',
     lambda: chebyshev(root(lambda x: (mp.asin(x) - x) / x**3,
                            mp.mpf(1) / 6), 0, mp.mpf('0.2501'), 12)),
    ('kSinhF64', 'sinh(x) = x + x^3 P(x^2), |x| <= 1',
     lambda: chebyshev(root(lambda x: (mp.sinh(x) - x) / x**3,
                            mp.mpf(1) / 6), 0, mp.mpf('1.001'), 7)),
    ('kErfSmallF32', 'erf(x) = x + x P(x^2), |x| <= 0.95',
     lambda: chebyshev(root(lambda x: mp.erf(x) / x - 1,
                            2 / mp.sqrt(mp.pi) - 1), 0, mp.mpf('0.9026'), 5)),
    ('kErfLargeF32', 'log(erfc(x)) = P(x), 0.95 <= x <= 4',
     lambda: lawson(lambda x: mp.log(mp.erfc(x)), mp.erfc, 0.94, 4.0, 6)),
    ('kErfSmallF64', 'erf(x) = x + x P(x^2), |x| <= 1',
     lambda: chebyshev(root(lambda x: mp.erf(x) / x - 1,
                            2 / mp.sqrt(mp.pi) - 1), 0, mp.mpf('1.001'), 13)),
    ('kErfLargeF64', 'erfc(x) exp(x^2) = P((x - 2.5)/(x + 2.5)), 1 <= x <= 6',
     lambda: chebyshev(lambda w: (lambda x: mp.erfc(x) * mp.exp(x * x))(
         mp.mpf('2.5') * (1 + w) / (1 - w)),
         (mp.mpf('0.999') - mp.mpf('2.5')) / (mp.mpf('0.999') + mp.mpf('2.5')),
         mp.mpf('3.51') / mp.mpf('8.51'), 17)),
]

print('''//===- Coefficients.h - Polynomials of kernels/Math -------------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written by kernels/Math/fit.py. Lowest power first. The error is that of the
// polynomial itself, before any rounding.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_KERNELS_MATH_COEFFICIENTS_H
#define TENON_KERNELS_MATH_COEFFICIENTS_H

namespace mlir::tenon::coefficients {
''')
for name, formula, fit in POLYNOMIALS:
    values, error = fit()
    print(f'/// {formula}; error {mp.nstr(mp.mpf(error), 2)}.')
    print(f'inline constexpr double {name}[] = {{')
    for value in values:
        print(f'    {float(value)!r},')
    print('};\n')
# 2/pi in pieces of 24 bits: piece k is an integer times 2^(-24 (k + 1)).
print('/// 2/pi = sum of piece[k] 2^(-24 (k + 1)), each piece below 2^24.')
print('inline constexpr double kTwoOverPi24[] = {')
rest = 2 / mp.pi
mp.mp.dps = 120
rest = 2 / mp.pi
for k in range(9):
    piece = mp.floor(rest * 2**24)
    rest = rest * 2**24 - piece
    print(f'    {int(piece)}.0,')
print('};\n')
print('''} // namespace mlir::tenon::coefficients

#endif // TENON_KERNELS_MATH_COEFFICIENTS_H''')
