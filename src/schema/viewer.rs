//! The signed-in user: merged from the domains, one line each.

use async_graphql::{Context, MergedObject, Object};

use super::events::EventViewer;
use super::unread::UnreadViewer;
use crate::domains::{
    accounts, chat, favorites, friends, groups, items, media, merchants, orders, tasks, tickets, wallet,
};
use crate::error::AppResult;
use crate::graphql::context::PlazaContext;

/// Everything about the signed-in user.
#[derive(MergedObject, Default)]
#[graphql(name = "Viewer")]
pub struct ViewerObject(
    accounts::query::AccountViewer,
    EventViewer,
    UnreadViewer,
    chat::query::ChatViewer,
    media::query::MediaViewer,
    items::query::ItemViewer,
    favorites::query::FavoriteViewer,
    tasks::query::TaskViewer,
    orders::query::OrderViewer,
    wallet::query::WalletViewer,
    tickets::query::TicketViewer,
    friends::query::FriendViewer,
    groups::query::GroupViewer,
    merchants::query::MerchantViewer,
);

/// The query that begins at the signed-in user.
#[derive(Default)]
pub struct ViewerQuery;

/// The query that begins at the signed-in user.
#[Object(crate = "crate::graphql::eager")]
impl ViewerQuery {
    /// Everything about the signed-in user. Null when no token was sent; `UNAUTHENTICATED` when the token is refused.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<AppResult<ViewerObject>> {
        ctx.requester().and_then(|requester| Ok(requester.find_viewer()?.map(|_| ViewerObject::default()))).transpose()
    }
}
