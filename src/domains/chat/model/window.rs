//! What of a conversation a member may see, which live delivery, replay and lists ask alike, and how far the member is in it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::ids::UserId;

/// What of a conversation a member may see: messages by seq, everything else by the conversation's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipWindow {
    /// First message.
    pub from_seq: i32,
    /// Last message, for a member who left.
    pub until_seq: Option<i32>,
    /// First version.
    pub from_version: i64,
    /// Last version, for a member who left.
    pub until_version: Option<i64>,
    /// Whether they run the group.
    pub is_staff: bool,
    /// What they deleted for themselves, by seq; none for nothing.
    pub hidden: Option<Arc<HashSet<i32>>>,
}

impl MembershipWindow {
    /// Whether the event of a conversation lies in the window.
    #[must_use]
    pub fn shows(&self, version: Option<i64>, seq: Option<i32>) -> bool {
        let version_fits = version.is_some_and(|version| {
            version >= self.from_version && self.until_version.is_none_or(|until| version <= until)
        });
        version_fits && seq.is_none_or(|seq| self.shows_message(seq))
    }

    /// Whether the message lies in the window.
    #[must_use]
    pub fn shows_message(&self, seq: i32) -> bool {
        let is_hidden = self.hidden.as_ref().is_some_and(|hidden| hidden.contains(&seq));
        seq >= self.from_seq && self.until_seq.is_none_or(|until| seq <= until) && !is_hidden
    }
}

/// How far a member is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberProgress {
    /// Who.
    pub user_id: UserId,
    /// Read up to here.
    pub read_seq: i32,
    /// Some device received up to here.
    pub delivered_seq: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_shows_what_lies_in_it() {
        let open = MembershipWindow {
            from_seq: 3,
            until_seq: None,
            from_version: 10,
            until_version: None,
            is_staff: false,
            hidden: None,
        };
        assert!(open.shows(Some(10), Some(3)));
        assert!(!open.shows(Some(10), Some(2)), "an edit of a message from before");
        assert!(!open.shows(Some(9), None), "a marker from before");
        assert!(!open.shows(None, None));
        let hiding = MembershipWindow { hidden: Some(Arc::new([4].into())), ..open.clone() };
        assert!(hiding.shows(Some(10), Some(3)) && !hiding.shows(Some(12), Some(4)), "also when it is edited later");
        let closed = MembershipWindow { until_seq: Some(5), until_version: Some(20), ..open };
        assert!(closed.shows(Some(20), Some(5)));
        assert!(!closed.shows(Some(21), Some(5)), "an edit from after");
        assert!(!closed.shows_message(6));
    }
}
