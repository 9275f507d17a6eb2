//! How random a text looks.

use std::f64::consts::{LOG2_E, SQRT_2};

/// Shannon entropy in bits a byte, from 0 to 8.
pub(crate) fn bits_per_byte(text: &[u8]) -> f64 {
    if text.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let length = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * binary_logarithm(share)
        })
        .sum()
}

/// The binary logarithm of a number above 0 that is not subnormal. The system's would
/// be the program's only use of a whole library, which costs every start and every copy
/// of the process.
fn binary_logarithm(number: f64) -> f64 {
    const EXPONENT_OF_ONE: u64 = 1023;
    const FRACTION_BITS: u32 = 52;
    let bits = number.to_bits();
    let exponent = f64::from((bits >> FRACTION_BITS) as u32) - EXPONENT_OF_ONE as f64;
    let fraction = bits & ((1 << FRACTION_BITS) - 1);
    // From 1 to 2, and from there to around 1, where the series needs few terms.
    let mantissa = f64::from_bits(fraction | (EXPONENT_OF_ONE << FRACTION_BITS));
    let (mantissa, exponent) = match mantissa > SQRT_2 {
        true => (mantissa / 2.0, exponent + 1.0),
        false => (mantissa, exponent),
    };
    // ln m = 2 artanh((m - 1) / (m + 1)); the ratio is at most 0.172, so what is left
    // out is below the precision of the type.
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let terms = (0..12_u32).rev();
    let series = terms.fold(0.0, |sum, term| sum * square + 1.0 / f64::from(2 * term + 1));
    exponent + 2.0 * LOG2_E * ratio * series
}

#[cfg(test)]
mod tests {
    use std::f64::consts::SQRT_2;

    use super::{binary_logarithm, bits_per_byte};

    #[test]
    fn the_logarithm_is_the_systems() {
        let shares = (1..=4096_u32).map(|part| f64::from(part) / 4096.0);
        for number in shares.chain([f64::MIN_POSITIVE, 1e-9, 1.5, SQRT_2, 3e9, f64::MAX]) {
            let (own, systems) = (binary_logarithm(number), number.log2());
            assert!((own - systems).abs() <= 1e-13 * systems.abs().max(1.0), "{number}: {own}");
        }
    }

    #[test]
    fn repetition_has_none_and_variety_has_much() {
        assert!(bits_per_byte(b"aaaaaaaa") < 0.01);
        assert!((bits_per_byte(b"abcdefgh") - 3.0).abs() < 0.01);
    }
}
