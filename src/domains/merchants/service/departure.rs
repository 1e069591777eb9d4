//! What becomes of merchants when an account is deleted.

use diesel_async::AsyncPgConnection;

use super::{HeldMerchant, can_be_named};
use crate::domains::merchants::model::MerchantChanges;
use crate::domains::merchants::store;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::error::AppResult;
use crate::ids::{MerchantId, UserId};
use crate::scope::Scope;

/// Takes a user who leaves out of all merchants, within the caller's transaction, which holds their account. A merchant of theirs
/// goes to its contact; one without another contact who could be named now is closed. Where they are the contact, the owner is
/// it from now on.
///
/// # Errors
/// When the database fails.
pub async fn forget(scope: &Scope, conn: &AsyncPgConnection, user: UserId) -> AppResult<()> {
    let now = scope.app.clock.now();
    for id in store::members::list_merchants_of(conn, user).await? {
        // Closed at the same moment: nothing is left to be done.
        let Some(merchant) = store::lock_merchant(conn, id).await? else { continue };
        let held = HeldMerchant { viewer: user, merchant };
        let (owner, contact) = (held.merchant.owner_id, held.merchant.contact_id);
        if owner == user && (contact == user || !can_be_named(scope, conn, user, contact).await?) {
            close(scope, conn, id).await?;
            continue;
        }
        if owner == user && store::members::insert_membership(conn, id, contact, now).await?.is_some() {
            store::change_member_count(conn, id, 1).await?;
        }
        if owner == user || contact == user {
            let left = if owner == user { contact } else { owner };
            let changes =
                MerchantChanges { owner_id: Some(left), contact_id: Some(left), ..MerchantChanges::default() };
            held.change(scope, conn, changes).await?;
        }
        if let Some(membership) = store::members::find_membership(conn, id, user).await? {
            store::members::delete_membership(conn, membership.id).await?;
            store::change_member_count(conn, id, -1).await?;
        }
    }
    Ok(())
}

/// Closes a merchant that is held.
pub(super) async fn close(scope: &Scope, conn: &AsyncPgConnection, id: MerchantId) -> AppResult<()> {
    store::members::delete_all_in(conn, id).await?;
    store::close_merchant(conn, id, scope.app.clock.now()).await?;
    search::service::forget(conn, SearchKind::Merchant, &[id.0]).await
}
