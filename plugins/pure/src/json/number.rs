//! Floats as JSON, digit by digit as Nix prints them.
//!
//! nlohmann/json uses Grisu2 (Florian Loitsch, "Printing floating-point numbers quickly and accurately with integers", 2010),
//! whose digits always read back as the same number but are, for one number in a thousand, not the shortest that do. The text
//! goes into derivations and thus into store paths, so the shortest digits of the standard library would not do.

/// Appends `value`.
pub fn push_float(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return out.extend_from_slice(b"null");
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    if value == 0.0 {
        return out.extend_from_slice(b"0.0");
    }
    let (digits, exponent) = shortest(value.abs());
    push_decimal(out, &digits, exponent);
}

/// Appends `digits * 10^exponent` in the notation that reads best.
fn push_decimal(out: &mut Vec<u8>, digits: &[u8], exponent: i32) {
    let len = digits.len() as i32;
    // Where the point goes, counted from the first digit.
    let point = len + exponent;
    if len <= point && point <= 15 {
        out.extend_from_slice(digits);
        out.resize(out.len() + (point - len) as usize, b'0');
        out.extend_from_slice(b".0");
    } else if 0 < point && point <= 15 {
        let (whole, fraction) = digits.split_at(point as usize);
        out.extend_from_slice(whole);
        out.push(b'.');
        out.extend_from_slice(fraction);
    } else if -4 < point && point <= 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + point.unsigned_abs() as usize, b'0');
        out.extend_from_slice(digits);
    } else {
        out.push(digits[0]);
        if len > 1 {
            out.push(b'.');
            out.extend_from_slice(&digits[1..]);
        }
        let exponent = point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.unsigned_abs()).as_bytes());
    }
}

/// `significand * 2^exponent`
#[derive(Clone, Copy)]
struct Scaled {
    significand: u64,
    exponent: i32,
}

impl Scaled {
    /// The same number with the highest bit of the significand set.
    fn normalized(self) -> Scaled {
        let shift = self.significand.leading_zeros();
        Scaled {
            significand: self.significand << shift,
            exponent: self.exponent - shift as i32,
        }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Scaled) -> Scaled {
        let product = u128::from(self.significand) * u128::from(other.significand);
        Scaled {
            significand: ((product + (1 << 63)) >> 64) as u64,
            exponent: self.exponent + other.exponent + 64,
        }
    }
}

/// Digits and exponent of a positive number: `digits * 10^exponent`.
fn shortest(value: f64) -> (Vec<u8>, i32) {
    const BIAS: i32 = 1075;
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = (bits >> 52) as i32;
    let number = match exponent {
        0 => Scaled {
            significand: fraction,
            exponent: 1 - BIAS,
        },
        _ => Scaled {
            significand: fraction | 1 << 52,
            exponent: exponent - BIAS,
        },
    };
    // Half way to the neighbours above and below; below a power of two the neighbour is twice as near.
    let above = Scaled {
        significand: 2 * number.significand + 1,
        exponent: number.exponent - 1,
    }
    .normalized();
    let below = match fraction == 0 && exponent > 1 {
        true => Scaled {
            significand: 4 * number.significand - 1,
            exponent: number.exponent - 2,
        },
        false => Scaled {
            significand: 2 * number.significand - 1,
            exponent: number.exponent - 1,
        },
    };
    let below = Scaled {
        significand: below.significand << (below.exponent - above.exponent),
        exponent: above.exponent,
    };
    let (power, decimal) = cached_power(above.exponent);
    let middle = number.normalized().times(power);
    let low = below.times(power).significand + 1;
    let high = above.times(power);
    let high = Scaled {
        significand: high.significand - 1,
        ..high
    };
    digits(low, middle.significand, high, -decimal)
}

/// Generates the digits of a number between `low` and `high`, as near to `middle` as their count allows.
fn digits(low: u64, middle: u64, high: Scaled, mut exponent: i32) -> (Vec<u8>, i32) {
    let mut buffer = Vec::with_capacity(17);
    let mut room = high.significand - low;
    let mut distance = high.significand - middle;
    let shift = high.exponent.unsigned_abs();
    let one = 1_u64 << shift;
    let mut whole = high.significand >> shift;
    let mut fraction = high.significand & (one - 1);
    let mut count = whole.checked_ilog10().unwrap_or(0);
    loop {
        let place = 10_u64.pow(count);
        buffer.push(b'0' + (whole / place) as u8);
        whole %= place;
        let rest = (whole << shift) + fraction;
        if rest <= room {
            exponent += count as i32;
            approach(&mut buffer, distance, room, rest, place << shift);
            return (buffer, exponent);
        }
        if count == 0 {
            break;
        }
        count -= 1;
    }
    loop {
        fraction *= 10;
        room *= 10;
        distance *= 10;
        exponent -= 1;
        buffer.push(b'0' + (fraction >> shift) as u8);
        fraction &= one - 1;
        if fraction <= room {
            approach(&mut buffer, distance, room, fraction, one);
            return (buffer, exponent);
        }
    }
}

/// Lowers the last digit as long as that comes nearer to the middle. All are distances from the upper end.
fn approach(buffer: &mut [u8], distance: u64, room: u64, mut rest: u64, unit: u64) {
    let Some(last) = buffer.last_mut() else {
        return;
    };
    while rest < distance
        && room - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        *last -= 1;
        rest += unit;
    }
}

/// A power of ten (and which) that brings a number with this binary exponent to one between -60 and -32.
fn cached_power(exponent: i32) -> (Scaled, i32) {
    let missing = -60 - exponent - 1;
    // 78913 / 2^18 is log10(2).
    let decimal = missing * 78_913 / (1 << 18) + i32::from(missing > 0);
    let index = (decimal - FIRST_POWER + 7) / 8;
    let decimal = FIRST_POWER + index * 8;
    // 217706 / 2^16 is log2(10).
    let power = Scaled {
        significand: POWERS[index as usize],
        exponent: ((decimal * 217_706) >> 16) - 63,
    };
    (power, decimal)
}

const FIRST_POWER: i32 = -300;
/// Significands of the powers of ten from 10^-300, eight apart.
#[rustfmt::skip]
const POWERS: [u64; 79] = [
    0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f, 0xbe5691ef416bd60c, 0x8dd01fad907ffc3c,
    0xd3515c2831559a83, 0x9d71ac8fada6c9b5, 0xea9c227723ee8bcb, 0xaecc49914078536d,
    0x823c12795db6ce57, 0xc21094364dfb5637, 0x9096ea6f3848984f, 0xd77485cb25823ac7,
    0xa086cfcd97bf97f4, 0xef340a98172aace5, 0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b,
    0xc5dd44271ad3cdba, 0x936b9fcebb25c996, 0xdbac6c247d62a584, 0xa3ab66580d5fdaf6,
    0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8, 0x87625f056c7c4a8b, 0xc9bcff6034c13053,
    0x964e858c91ba2655, 0xdff9772470297ebd, 0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94,
    0xb94470938fa89bcf, 0x8a08f0f8bf0f156b, 0xcdb02555653131b6, 0x993fe2c6d07b7fac,
    0xe45c10c42a2b3b06, 0xaa242499697392d3, 0xfd87b5f28300ca0e, 0xbce5086492111aeb,
    0x8cbccc096f5088cc, 0xd1b71758e219652c, 0x9c40000000000000, 0xe8d4a51000000000,
    0xad78ebc5ac620000, 0x813f3978f8940984, 0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70,
    0xd5d238a4abe98068, 0x9f4f2726179a2245, 0xed63a231d4c4fb27, 0xb0de65388cc8ada8,
    0x83c7088e1aab65db, 0xc45d1df942711d9a, 0x924d692ca61be758, 0xda01ee641a708dea,
    0xa26da3999aef774a, 0xf209787bb47d6b85, 0xb454e4a179dd1877, 0x865b86925b9bc5c2,
    0xc83553c5c8965d3d, 0x952ab45cfa97a0b3, 0xde469fbd99a05fe3, 0xa59bc234db398c25,
    0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece, 0x88fcf317f22241e2, 0xcc20ce9bd35c78a5,
    0x98165af37b2153df, 0xe2a0b5dc971f303a, 0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c,
    0xbb764c4ca7a44410, 0x8bab8eefb6409c1a, 0xd01fef10a657842c, 0x9b10a4e5e9913129,
    0xe7109bfba19c0c9d, 0xac2820d9623bf429, 0x80444b5e7aa7cf85, 0xbf21e44003acdd2d,
    0x8e679c2f5e44ff8f, 0xd433179d9c8cb841, 0x9e19db92b4e31ba9,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> String {
        let mut out = Vec::new();
        push_float(&mut out, value);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn notations() {
        for (value, text) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e300, "1e+300"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1_234_567_890_123_456.0, "1.234567890123456e+15"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "null"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn digits_read_back() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let value = f64::from_bits(bits ^ bits >> 29);
            if value.is_finite() {
                assert_eq!(float(value).parse(), Ok(value));
            }
        }
    }
}
