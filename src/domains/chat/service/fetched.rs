//! What a user's devices have not fetched yet: handed out once, however many pull at the same time.

use crate::domains::chat::model::PulledMessages;
use crate::domains::chat::store::markers::{self, PULLED_LIMIT};
use crate::error::{AppError, AppResult};
use crate::ids::ConversationId;
use crate::scope::Scope;

/// The largest pull.
const LARGEST_PULL: i32 = 100;

/// Messages of others that none of the viewer's devices has fetched, and marks them as delivered: by conversation and seq. Their
/// memberships are locked meanwhile, so that another pull goes on behind this one.
///
/// # Errors
/// Bad input for `first` out of range.
pub async fn pull(scope: &Scope, first: i32) -> AppResult<PulledMessages> {
    let viewer = scope.viewer()?.user_id;
    if !(1..=LARGEST_PULL).contains(&first) {
        return Err(AppError::bad_input("`first` has to be from 1 to 100."));
    }
    scope
        .transaction(async |conn| {
            let ranges = markers::lock_unfetched(conn, viewer).await?;
            let messages = markers::list_messages_of_others(conn, viewer, &ranges, i64::from(first)).await?;
            let is_full = i32::try_from(messages.len()).is_ok_and(|count| count == first);
            let last = messages.last().filter(|_| is_full).map(|message| (message.conversation_id, message.seq));
            let reached = reached(&ranges, last);
            let (conversations, seqs): (Vec<ConversationId>, Vec<i32>) = reached.iter().copied().unzip();
            if markers::move_fetched_markers(conn, viewer, &conversations, &seqs).await? > 0 {
                scope.note_recorded();
            }
            let ends = ranges.iter().map(|(id, _, until)| (*id, *until));
            let is_whole_batch = i64::try_from(ranges.len()).is_ok_and(|count| count == PULLED_LIMIT);
            let has_more = is_whole_batch || !ends.eq(reached.iter().copied());
            Ok(PulledMessages { messages, has_more })
        })
        .await
}

/// How far each range was read: to its end, where no message was left over, or to the last message.
fn reached(ranges: &[(ConversationId, i32, i32)], last: Option<(ConversationId, i32)>) -> Vec<(ConversationId, i32)> {
    let place = |(id, _, until): &(ConversationId, i32, i32)| match last {
        Some((conversation, seq)) if *id == conversation => Some((*id, seq)),
        Some((conversation, _)) if *id > conversation => None,
        _ => Some((*id, *until)),
    };
    ranges.iter().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_up_to_the_last_message() {
        let id = ConversationId;
        let ranges = [(id(1), 3, 5), (id(4), 1, 9), (id(7), 2, 2)];
        assert_eq!(reached(&ranges, None), [(id(1), 5), (id(4), 9), (id(7), 2)]);
        assert_eq!(reached(&ranges, Some((id(4), 6))), [(id(1), 5), (id(4), 6)]);
        assert_eq!(reached(&ranges, Some((id(1), 5))), [(id(1), 5)]);
        assert_eq!(reached(&[], None), []);
    }
}
