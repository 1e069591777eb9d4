//! Pictures of a few letters that a person can read.

use captcha::filters::{Dots, Noise, Wave};

use crate::error::{AppError, AppResult};

/// Letters and digits that are not taken for one another; case makes no difference.
const LETTERS: &[char] = &[
    'A', 'D', 'E', 'F', 'G', 'H', 'M', 'N', 'Q', 'R', 'T', 'Y', 'a', 'd', 'e', 'f', 'h', 'm', 'n', 'r', 't', 'y', '4',
    '6', '7',
];

/// How many letters a picture has: at one try each, a guess is right once in half a million.
const LENGTH: u32 = 5;

/// A picture and what it says.
pub struct Picture {
    /// What has to be typed.
    pub answer: String,
    /// PNG, 240 by 100.
    pub png: Vec<u8>,
}

/// Draws a picture; takes milliseconds, so it belongs on the blocking pool.
///
/// # Errors
/// When the picture can't be encoded.
pub fn draw() -> AppResult<Picture> {
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
    Ok(Picture { answer: normalise(&captcha.chars_as_string()), png })
}

/// An answer as it is compared.
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
