//! `node` and `nodes`: objects by their global ids.

use async_graphql::{Context, ID, Interface, Object};

use crate::domains::accounts::types::User;
use crate::domains::accounts::types::sign_in::Session;
use crate::domains::chat::types::{Conversation, Message};
use crate::domains::favorites::types::Favorite;
use crate::domains::friends::types::{FriendGroup, FriendRequest, Friendship};
use crate::domains::groups::types::{Group, GroupJoinRequest, GroupMember};
use crate::domains::items::types::Item;
use crate::domains::media::types::Media;
use crate::domains::merchants::types::{ActivationCode, Merchant, MerchantMembership};
use crate::domains::orders::types::Order;
use crate::domains::products::types::Product;
use crate::domains::tasks::types::Task;
use crate::domains::tickets::types::Ticket;
use crate::domains::wallet::types::{LedgerEntry, Wallet};
use crate::domains::{
    accounts, chat, favorites, friends, groups, items, media, merchants, orders, products, tasks, tickets, wallet,
};
use crate::error::{AppError, AppResult};
use crate::graphql::context::PlazaContext;
use crate::ids::{
    ActivationCodeId, ConversationId, EntryId, FavoriteId, FriendGroupId, FriendRequestId, FriendshipId, GroupId,
    GroupJoinRequestId, GroupMemberId, ItemId, MediaId, MerchantId, MerchantMembershipId, MessageId, OrderId,
    ProductId, SessionId, TaskId, TicketId, UserId, WalletId, decode_global_id,
};

/// The most ids that `nodes` takes.
const MOST_NODES: usize = 100;

/// Anything with a global id.
#[derive(Interface)]
#[graphql(crate = "crate::graphql::eager")]
#[graphql(name = "Node", field(name = "id", ty = "ID", desc = "Opaque global id; `node` finds the object by it."))]
pub enum Node {
    /// A person.
    User(User),
    /// A conversation of the viewer's.
    Conversation(Conversation),
    /// A message that the viewer may see.
    Message(Message),
    /// A live session of the viewer's.
    Session(Session),
    /// A file of the viewer's.
    Media(Media),
    /// An item that the viewer may see.
    Item(Item),
    /// A favorite of the viewer's.
    Favorite(Favorite),
    /// A task that the viewer may see.
    Task(Task),
    /// A product that is in the store.
    Product(Product),
    /// An order that the viewer may see.
    Order(Order),
    /// A ticket that the viewer may see.
    Ticket(Ticket),
    /// A friendship of the viewer's.
    Friendship(Friendship),
    /// A group of the viewer's friends.
    FriendGroup(FriendGroup),
    /// A request to become friends, from the viewer or to them.
    FriendRequest(FriendRequest),
    /// A group.
    Group(Group),
    /// A member of a group.
    GroupMember(GroupMember),
    /// A request to join a group.
    GroupJoinRequest(GroupJoinRequest),
    /// A merchant.
    Merchant(Merchant),
    /// A membership of the viewer's.
    MerchantMembership(MerchantMembership),
    /// An activation code, for administrators.
    ActivationCode(ActivationCode),
    /// The viewer's wallet, or anybody's for administrators.
    Wallet(Wallet),
    /// A movement of the viewer's money, or of anybody's for administrators.
    LedgerEntry(LedgerEntry),
}

/// Finds an object of any type; none when it doesn't exist or the viewer may not see it.
async fn find(ctx: &Context<'_>, id: &ID) -> AppResult<Option<Node>> {
    let Ok((type_name, key)) = decode_global_id(id) else {
        return Err(AppError::bad_input("This is not an id of Plaza's."));
    };
    let viewer = ctx.requester()?.viewer;
    Ok(match (type_name.as_str(), viewer) {
        (UserId::TYPE, _) => accounts::query::find_user(ctx, UserId(key)).await?.map(Node::User),
        (ItemId::TYPE, _) => items::query::find_item(ctx, ItemId(key)).await?.map(Node::Item),
        (FavoriteId::TYPE, Some(_)) => favorites::query::find_favorite(ctx, FavoriteId(key)).await?.map(Node::Favorite),
        (TaskId::TYPE, _) => tasks::query::find_task(ctx, TaskId(key)).await?.map(Node::Task),
        (ProductId::TYPE, _) => products::query::find_product(ctx, ProductId(key)).await?.map(Node::Product),
        (OrderId::TYPE, Some(_)) => orders::query::find_order(ctx, OrderId(key)).await?.map(Node::Order),
        (TicketId::TYPE, Some(_)) => tickets::query::find_ticket(ctx, TicketId(key)).await?.map(Node::Ticket),
        (GroupId::TYPE, _) => groups::query::find_group(ctx, GroupId(key)).await?.map(Node::Group),
        (GroupMemberId::TYPE, Some(_)) => {
            groups::query::find_member(ctx, GroupMemberId(key)).await?.map(Node::GroupMember)
        }
        (GroupJoinRequestId::TYPE, Some(_)) => {
            groups::query::find_request(ctx, GroupJoinRequestId(key)).await?.map(Node::GroupJoinRequest)
        }
        (MerchantId::TYPE, _) => merchants::query::find_merchant(ctx, MerchantId(key)).await?.map(Node::Merchant),
        (MerchantMembershipId::TYPE, Some(_)) => {
            merchants::query::find_membership(ctx, MerchantMembershipId(key)).await?.map(Node::MerchantMembership)
        }
        (ActivationCodeId::TYPE, Some(_)) => {
            merchants::query::find_code(ctx, ActivationCodeId(key)).await?.map(Node::ActivationCode)
        }
        (FriendshipId::TYPE, Some(_)) => {
            friends::query::find_friendship(ctx, FriendshipId(key)).await?.map(Node::Friendship)
        }
        (FriendGroupId::TYPE, Some(_)) => {
            friends::query::find_group(ctx, FriendGroupId(key)).await?.map(Node::FriendGroup)
        }
        (FriendRequestId::TYPE, Some(_)) => {
            friends::query::find_request(ctx, FriendRequestId(key)).await?.map(Node::FriendRequest)
        }
        (WalletId::TYPE, Some(_)) => wallet::query::find_wallet(ctx, WalletId(key)).await?.map(Node::Wallet),
        (EntryId::TYPE, Some(_)) => wallet::query::find_entry(ctx, EntryId(key)).await?.map(Node::LedgerEntry),
        (ConversationId::TYPE, Some(_)) => {
            chat::query::find_conversation(ctx, ConversationId(key)).await?.map(Node::Conversation)
        }
        (MessageId::TYPE, Some(_)) => chat::query::find_message(ctx, MessageId(key)).await?.map(Node::Message),
        (SessionId::TYPE, Some(_)) => accounts::query::find_session(ctx, SessionId(key)).await?.map(Node::Session),
        (MediaId::TYPE, Some(_)) => media::query::find_media(ctx, MediaId(key)).await?.map(Node::Media),
        _ => None,
    })
}

/// Queries by global id.
#[derive(Default)]
pub struct NodeQuery;

/// Queries by global id.
#[Object(crate = "crate::graphql::eager")]
impl NodeQuery {
    /// The object with this id. Null when there is none, or when the viewer may not see it.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "Opaque global id.")] id: ID) -> Option<AppResult<Node>> {
        find(ctx, &id).await.transpose()
    }

    /// The objects with these ids, in their order, with null for those that don't exist or that the viewer may not see.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Opaque global ids, at most 100.")] ids: Vec<ID>,
    ) -> AppResult<Vec<Option<AppResult<Node>>>> {
        if ids.len() > MOST_NODES {
            return Err(AppError::bad_input(format!("`ids` has more than {MOST_NODES} entries.")));
        }
        let found = ids.iter().map(|id| async { find(ctx, id).await.transpose() });
        Ok(futures_util::future::join_all(found).await)
    }
}
