//! Keyset pages: the one way that lists are cut.
//!
//! A page's cursor carries its row's sort key and the order and filter it belongs to; a cursor of another list is
//! refused. One row more than asked for is read, which tells whether there are more.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::error::{AppError, AppResult};
use crate::text::most_bytes;

/// The size of a page that says none.
pub const DEFAULT_PAGE: u8 = 20;

/// The largest page.
pub const LARGEST_PAGE: u8 = 100;

/// The most that `totalCount` counts to.
pub const COUNT_BOUND: i64 = 10_000;

/// Bytes of a cursor: the name of a product in base64, and as much again for what is escaped and stands around it.
const LONGEST_CURSOR: usize = 4 * most_bytes(100);

/// A list's arguments as a client sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageArgs {
    /// Forward: so many.
    pub first: Option<i32>,
    /// Forward: behind this one.
    pub after: Option<String>,
    /// Backward: so many.
    pub last: Option<i32>,
    /// Backward: before this one.
    pub before: Option<String>,
}

/// A page to read: of a list named by `list`, whose rows are ordered by a key.
#[derive(Clone, Debug)]
pub struct PageRequest<K> {
    size: usize,
    /// Towards the list's beginning.
    pub backward: bool,
    /// The row to start behind.
    pub cursor: Option<K>,
    list: String,
}

/// A row's place in its list; written out when asked for.
#[derive(Clone, Debug)]
pub struct Cursor {
    page: Arc<CursorPage>,
    /// Where its sort key is in that of all rows.
    key: Range<usize>,
}

/// What the cursors of a page share.
#[derive(Debug)]
struct CursorPage {
    list: String,
    tag: OnceLock<String>,
    /// The sort keys of all rows, as JSON, one behind the other.
    keys: Vec<u8>,
}

impl Cursor {
    /// The cursor, as clients have it.
    #[must_use]
    pub fn encode(&self) -> String {
        let CursorPage { list, tag: known, keys } = &*self.page;
        let (tag, key) = (known.get_or_init(|| tag(list)), keys.get(self.key.clone()).unwrap_or_default());
        URL_SAFE_NO_PAD.encode([b"[\"", tag.as_bytes(), b"\",", key, b"]"].concat())
    }
}

/// The rows of a page, in the list's order.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows with their cursors.
    pub rows: Vec<(Cursor, T)>,
    /// Rows follow.
    pub has_next: bool,
    /// Rows precede. Going forward, this says whether a cursor was given.
    pub has_previous: bool,
}

impl<T> Page<T> {
    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, wrap: impl Fn(T) -> U) -> Page<U> {
        let Self { rows, has_next, has_previous } = self;
        Page { rows: rows.into_iter().map(|(cursor, row)| (cursor, wrap(row))).collect(), has_next, has_previous }
    }
}

impl PageArgs {
    /// Checks the arguments for the list of this name, which says its order and its filter. An empty cursor is none: the
    /// first page, or the last.
    ///
    /// # Errors
    /// Bad input: a size below 1 or above 100, both directions at once, or a cursor of another list.
    pub fn request<K: DeserializeOwned>(self, list: impl Into<String>) -> AppResult<PageRequest<K>> {
        let list = list.into();
        let cursor = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (after, before) = (cursor(self.after), cursor(self.before));
        let forward = self.first.is_some() || after.is_some();
        let backward = self.last.is_some() || before.is_some();
        if forward && backward {
            return Err(AppError::bad_input("Use first and after, or last and before, but not both."));
        }
        let size = self.first.or(self.last).unwrap_or(DEFAULT_PAGE.into());
        if !(1..=LARGEST_PAGE.into()).contains(&size) {
            let name = if backward { "last" } else { "first" };
            return Err(AppError::bad_input(format!("`{name}` has to be from 1 to {LARGEST_PAGE}.")));
        }
        let cursor = after.or(before).map(|text| decode(&list, &text)).transpose()?;
        Ok(PageRequest { size: usize::try_from(size).unwrap_or(1), backward, cursor, list })
    }
}

impl<K: Serialize> PageRequest<K> {
    /// How many rows to read: one more than asked for.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Makes a page of the rows that were read: [`PageRequest::limit`] of them, from the cursor on, in the direction
    /// of the request.
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Page<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        if self.backward {
            rows.reverse();
        }
        let behind = self.cursor.is_some();
        let (has_next, has_previous) = if self.backward { (behind, more) } else { (more, behind) };
        let mut keys = Vec::new();
        let places: Vec<Range<usize>> = rows.iter().map(|row| append_json(&mut keys, &key(row))).collect();
        let page = Arc::new(CursorPage { list: self.list.clone(), tag: OnceLock::new(), keys });
        let cursors = places.into_iter().map(|key| Cursor { page: Arc::clone(&page), key });
        Page { rows: cursors.zip(rows).collect(), has_next, has_previous }
    }
}

/// Appends a value as JSON; where it is.
fn append_json(out: &mut Vec<u8>, value: &impl Serialize) -> Range<usize> {
    let start = out.len();
    // Sort keys are numbers, times and names, which can all be written.
    if serde_json::to_writer(&mut *out, value).is_err() {
        out.truncate(start);
    }
    start..out.len()
}

fn tag(list: &str) -> String {
    let digest = Sha256::digest(list.as_bytes());
    URL_SAFE_NO_PAD.encode(digest.get(..6).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(list: &str, text: &str) -> AppResult<K> {
    let read = || {
        // The longest name, and what stands around it.
        if text.len() > LONGEST_CURSOR {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (found, key): (String, K) = serde_json::from_slice(&bytes).ok()?;
        (found == tag(list)).then_some(key)
    };
    read().ok_or_else(|| AppError::bad_input("This cursor doesn't belong to this list, its order or its filter."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(first: Option<i32>, last: Option<i32>) -> PageArgs {
        PageArgs { first, last, ..PageArgs::default() }
    }

    #[test]
    fn sizes_outside_1_to_100_and_both_directions_are_refused() {
        for (first, last) in [(Some(0), None), (Some(101), None), (None, Some(-1)), (Some(1), Some(1))] {
            assert!(args(first, last).request::<i32>("list").is_err(), "{first:?} {last:?}");
        }
        assert_eq!(args(None, None).request::<i32>("list").unwrap().limit(), 21);
    }

    #[test]
    fn a_cursor_belongs_to_its_list() {
        let page = args(Some(2), None).request::<i32>("list").unwrap().page(vec![1, 2, 3], |row| *row);
        assert!(page.has_next && !page.has_previous);
        assert_eq!(page.rows.len(), 2);
        let after = PageArgs { after: Some(page.rows[1].0.encode()), ..PageArgs::default() };
        assert_eq!(after.clone().request::<i32>("list").unwrap().cursor, Some(2));
        assert!(after.clone().request::<i32>("other").is_err());
        assert!(after.request::<String>("list").is_err());
    }

    #[test]
    fn backward_pages_come_in_the_list_s_order() {
        let page = args(None, Some(2)).request::<i32>("list").unwrap().page(vec![9, 8, 7], |row| *row);
        assert_eq!(page.rows.iter().map(|(_, row)| *row).collect::<Vec<_>>(), [8, 9]);
        assert!(page.has_previous && !page.has_next);
    }
}
