//! One-time codes: six digits.

use crate::clock::random_bytes;

/// Six random digits: five tries succeed with a probability of 5 in a million.
#[must_use]
pub fn generate() -> String {
    let number = u64::from_be_bytes(random_bytes()) % 1_000_000;
    format!("{number:06}")
}

/// Removes whitespace, which users copy along.
#[must_use]
pub fn normalise(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_six_digits() {
        for _ in 0..100 {
            let code = generate();
            assert!(code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()), "{code}");
        }
        assert_eq!(normalise(" 123 456\n"), "123456");
    }
}
