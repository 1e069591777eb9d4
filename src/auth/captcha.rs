//! Image captchas.

use captcha::filters::{Dots, Noise, Wave};

use crate::error::{AppError, AppResult};

/// Letters and digits that are not confused; case-insensitive.
const LETTERS: &[char] = &[
    'A', 'D', 'E', 'F', 'G', 'H', 'M', 'N', 'Q', 'R', 'T', 'Y', 'a', 'd', 'e', 'f', 'h', 'm', 'n', 'r', 't', 'y', '4',
    '6', '7',
];

/// Letters of a captcha: one guess in half a million is right.
const LENGTH: u32 = 5;

/// A captcha image and its answer.
pub struct Captcha {
    /// Normalised answer.
    pub answer: String,
    /// PNG, 240 x 100 pixels.
    pub png: Vec<u8>,
}

/// Draws a captcha. Takes milliseconds: run it on the blocking pool.
///
/// # Errors
/// When the picture can't be encoded.
pub fn draw() -> AppResult<Captcha> {
    let mut captcha = captcha::Captcha::new();
    captcha
        .set_chars(LETTERS)
        .add_chars(LENGTH)
        .apply_filter(Noise::new(0.1))
        .apply_filter(Wave::new(2.0, 20.0).horizontal())
        .apply_filter(Wave::new(2.0, 20.0).vertical())
        .view(240, 100)
        .apply_filter(Dots::new(6).max_radius(6));
    let png = captcha.as_png().ok_or_else(|| AppError::internal("a captcha could not be encoded"))?;
    Ok(Captcha { answer: normalise(&captcha.chars_as_string()), png })
}

/// Normal form for comparison.
#[must_use]
pub fn normalise(answer: &str) -> String {
    answer.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_another() {
        let (one, two) = (draw().unwrap(), draw().unwrap());
        assert!(one.png.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert_ne!(one.png, two.png);
        for picture in [one, two] {
            assert_eq!(picture.answer.chars().count(), 5);
            assert!((1_000..20_000).contains(&picture.png.len()), "{}", picture.png.len());
        }
        assert_eq!(normalise(" AdE6\n"), "ade6");
    }
}
