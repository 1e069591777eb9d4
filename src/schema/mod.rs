//! Plaza's schema: the roots, merged from the domains, one line each; the viewer, the node interface and the union of events,
//! which refer to all of them.

pub mod events;
pub mod node;
pub mod unread;
pub mod viewer;

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, Request, Response, Schema, SchemaBuilder, ValidationMode};
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::domains::{
    accounts, chat, departure, favorites, friends, groups, items, media, merchants, nearby, orders, presence, products,
    search, tasks, tickets, wallet,
};
use crate::graphql::context::{ScopePerEvent, SkipValidation};
use crate::graphql::engine::Engine;
use crate::graphql::shared::SharedAnswers;
use crate::live::Live;

/// The root of queries.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    viewer::ViewerQuery,
    accounts::query::AccountQuery,
    chat::query::ChatQuery,
    items::query::ItemQuery,
    tasks::query::TaskQuery,
    products::query::ProductQuery,
    orders::query::OrderQuery,
    tickets::query::TicketQuery,
    friends::query::FriendQuery,
    groups::query::GroupQuery,
    merchants::query::MerchantQuery,
    nearby::query::NearbyQuery,
    search::query::SearchQuery,
);

/// The root of mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    accounts::mutation::AccountMutation,
    departure::mutation::DepartureMutation,
    chat::mutation::ChatMutation,
    media::mutation::MediaMutation,
    items::mutation::ItemMutation,
    favorites::mutation::FavoriteMutation,
    tasks::mutation::TaskMutation,
    products::mutation::ProductMutation,
    orders::mutation::OrderMutation,
    wallet::mutation::WalletMutation,
    tickets::mutation::TicketMutation,
    friends::mutation::FriendMutation,
    groups::mutation::GroupMutation,
    merchants::mutation::MerchantMutation,
);

/// The root of subscriptions.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    events::ViewerEventSubscription,
    chat::subscription::ChatSubscription,
    tasks::subscription::TaskSubscription,
    orders::subscription::OrderSubscription,
    tickets::subscription::TicketSubscription,
    friends::subscription::FriendSubscription,
    groups::subscription::GroupSubscription,
    presence::subscription::PresenceSubscriptions,
);

type PlazaSchema = Schema<Query, Mutation, Subscription>;

/// Plaza's schema, ready to be executed.
pub struct PlazaEngine {
    requests: PlazaSchema,
    subscriptions: PlazaSchema,
}

impl PlazaEngine {
    /// The schema of an instance.
    #[must_use]
    pub fn new(live: &Arc<Live>) -> Self {
        // The engine's own limit on nesting is lower than ours, and says less.
        let nesting = live.app.config.document_limits.nesting as usize + 1;
        let builder = || {
            builder()
                .data(Arc::clone(&live.app))
                .data(Arc::clone(live))
                .limit_recursive_depth(nesting)
                // `document` has validated what comes here.
                .validation_mode(ValidationMode::Fast)
        };
        Self {
            requests: builder().extension(SkipValidation).finish(),
            subscriptions: builder().data(SharedAnswers::default()).extension(ScopePerEvent).finish(),
        }
    }
}

impl Engine for PlazaEngine {
    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        Engine::execute(&self.requests, request)
    }

    fn subscribe(&self, request: Request) -> BoxStream<'static, Response> {
        Engine::subscribe(&self.subscriptions, request)
    }

    fn sdl(&self) -> String {
        self.requests.sdl()
    }
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
}

/// The schema's text, as `schema.graphql` has it.
#[must_use]
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}
