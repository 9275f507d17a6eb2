//! How random a text looks.

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
            -share * share.log2()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::bits_per_byte;

    #[test]
    fn repetition_has_none_and_variety_has_much() {
        assert!(bits_per_byte(b"aaaaaaaa") < 0.01);
        assert!((bits_per_byte(b"abcdefgh") - 3.0).abs() < 0.01);
    }
}
