//! Password blocklist: common passwords, repetitions and keyboard runs.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Eight characters and more, lower-cased; one a line.
static COMMON_PASSWORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("password_blocklist.txt").lines().collect());

/// Keyboard runs and sequences.
const KEYBOARD_RUNS: [&str; 8] = [
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "mnbvcxzlkjhgfdsapoiuytrewq",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "`1234567890-=",
];

/// Whether a password is blocked as too common.
#[must_use]
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    COMMON_PASSWORDS.contains(lower.as_str()) || repeats(&lower) || KEYBOARD_RUNS.iter().any(|run| run.contains(&lower))
}

/// Repetition of up to four characters, such as `aaaaaaaa`, `12121212`, `abcdabcd`.
fn repeats(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=4).any(|length| chars.iter().zip(chars.iter().skip(length)).all(|(one, next)| one == next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_choose_is_common_and_a_sentence_is_not() {
        for password in [
            "password",
            "PASSWORD",
            "Password1",
            "12345678",
            "1234567890",
            "87654321",
            "11111111",
            "qwertyuiop",
            "abcdefgh",
            "iloveyou",
            "woaini1314",
            "abcabcabc",
            "一一一一一一一一",
            "00000000000000000000",
        ] {
            assert!(is_common(password), "{password}");
        }
        for password in ["correct horse", "plaza-demo", "我的密码很长", "tr0ub4dor&3", "x9!kfm2p", "passwords are fun"]
        {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn the_list_is_as_it_is_compared() {
        for line in COMMON_PASSWORDS.iter() {
            assert!(line.chars().count() >= 8 && line.to_lowercase() == *line, "{line:?}");
        }
        assert!(COMMON_PASSWORDS.len() > 500, "{}", COMMON_PASSWORDS.len());
    }
}
