//! What other domains ask of two people. All of it belongs in the caller's transaction.

use diesel_async::AsyncPgConnection;

use super::model::BlockState;
use super::store;
use crate::error::AppResult;
use crate::ids::UserId;

pub use store::{
    Unblocked, count_blocks, delete_block, end_friendships_of, find_blocks, insert_block, is_known, list_blocks,
    list_blocks_among, list_friends_among, lock_all_of, lock_pair, update_friends_since,
};

/// Locks the row of two people and says who of them blocks the other. Nobody blocks themselves.
///
/// # Errors
/// When the database fails.
pub async fn lock_blocks(conn: &AsyncPgConnection, own: UserId, other: UserId) -> AppResult<BlockState> {
    if own == other {
        return Ok(BlockState::default());
    }
    store::lock_pair(conn, own, other).await?;
    Ok(store::find_blocks(conn, own, other).await?)
}
