//! Passwords that anybody would try first: those that many people choose, and those that are a mere pattern.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Eight characters and more, lower-cased; one a line.
static LIST: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("weak_passwords.txt").lines().collect());

/// Keys that lie side by side, and what comes one after the other anyway.
const RUNS: [&str; 8] = [
    "01234567890123456789",
    "98765432109876543210",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "mnbvcxzlkjhgfdsapoiuytrewq",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "`1234567890-=",
];

/// Whether a password is among the first that anybody would try.
#[must_use]
pub fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    LIST.contains(lower.as_str()) || repeats(&lower) || RUNS.iter().any(|run| run.contains(&lower))
}

/// A piece of at most four characters, over and over: `aaaaaaaa`, `12121212`, `abcdabcd`.
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
        for line in LIST.iter() {
            assert!(line.chars().count() >= 8 && line.to_lowercase() == *line, "{line:?}");
        }
        assert!(LIST.len() > 500, "{}", LIST.len());
    }
}
