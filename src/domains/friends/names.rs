//! What friends are sorted and found by: their names, with pinyin for Chinese characters.

use unicode_normalization::UnicodeNormalization;

use super::model::FriendSearch;
use crate::text::is_mark;
use crate::text::pinyin::typed_pinyin;

/// Bytes of a sort key at most; what lies behind is not sorted by.
const LONGEST_KEY: usize = 200;

/// The text that a name is sorted by: in lower case and without accents, each Chinese character as its pinyin, so that 张
/// stands among the Z.
#[must_use]
pub fn sort_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len());
    for character in name.nfkd().filter(|character| !is_mark(*character)) {
        match typed_pinyin(character) {
            Some(pinyin) => key.extend(pinyin),
            // Of the two small sigmas one.
            None => key.extend(character.to_lowercase().map(|letter| if letter == 'ς' { 'σ' } else { letter })),
        }
        if key.len() >= LONGEST_KEY {
            break;
        }
    }
    key
}

/// What a query looks for; none where it is blank.
#[must_use]
pub fn search_of(query: &str) -> Option<FriendSearch> {
    // Letter by letter, as PostgreSQL does: a sigma at the end is one like any other.
    let text: String = query.trim().chars().flat_map(char::to_lowercase).collect();
    // Chinese characters alone stand for themselves: 章 finds no 张.
    let is_spelled = text.chars().any(|character| character.is_alphanumeric() && typed_pinyin(character).is_none());
    let key: String = sort_key(&text).split_whitespace().collect();
    let key = (is_spelled && !key.is_empty()).then_some(key);
    (!text.is_empty()).then_some(FriendSearch { text, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_names_stand_where_their_pinyin_does() {
        let mut names = ["张伟", "Bob", "艾米", "陈静", "zoe", "李娜", "Ärne", "123"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(names, ["123", "艾米", "Ärne", "Bob", "陈静", "李娜", "张伟", "zoe"]);
        assert_eq!(sort_key("吕布Lü"), "lvbulu");
    }

    #[test]
    fn keys_are_short() {
        assert!(sort_key(&"张".repeat(1000)).len() < 210);
    }
}
