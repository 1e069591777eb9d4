//! What becomes of merchants when an account is deleted.

use diesel_async::AsyncPgConnection;

use super::HeldMerchant;
use crate::domains::merchants::model::MerchantChanges;
use crate::domains::merchants::store;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::error::AppResult;
use crate::ids::UserId;
use crate::scope::Scope;

/// Takes a user who leaves out of all merchants, within the caller's transaction, which holds their account. A merchant of theirs
/// goes to its contact; one without another contact is closed. Where they are the contact, the owner is it from now on.
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
        if (owner, contact) == (user, user) {
            close(scope, conn, &held).await?;
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
async fn close(scope: &Scope, conn: &AsyncPgConnection, held: &HeldMerchant) -> AppResult<()> {
    let id = held.merchant.id;
    store::members::delete_all_in(conn, id).await?;
    store::clear_member_count(conn, id).await?;
    let now = scope.app.clock.now();
    let changes = MerchantChanges { closed_at: Some(now), updated_at: Some(now), ..MerchantChanges::default() };
    store::update_merchant(conn, id, &changes).await?;
    search::service::forget(conn, SearchKind::Merchant, &[id.0]).await
}
