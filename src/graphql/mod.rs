//! The seam between async-graphql and the domains.
//!
//! The roots are merged here, one line per domain. Everything that has to hold for every operation stands here too:
//! the scope and the loaders of each execution, the mapping of errors, connections, scalars.

pub mod connection;
pub mod context;
pub mod dispatch;
pub mod document;
pub mod engine;
pub mod errors;
pub mod live;
pub mod loader;
pub mod loaders;
pub mod node;
pub mod payload;
pub mod ranges;
pub mod scalars;

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, Schema, SchemaBuilder, ValidationMode};

use crate::app::App;
use crate::domains::{accounts, chat, favorites, items, media, orders, products, search, tasks, tickets, wallet};

/// The root of queries.
#[derive(MergedObject, Default)]
pub struct Query(
    node::NodeQuery,
    accounts::query::AccountQuery,
    chat::query::ChatQuery,
    items::query::ItemQuery,
    tasks::query::TaskQuery,
    products::query::ProductQuery,
    orders::query::OrderQuery,
    tickets::query::TicketQuery,
    search::query::SearchQuery,
);

/// The root of mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    accounts::mutation::AccountMutation,
    chat::mutation::ChatMutation,
    media::mutation::MediaMutation,
    items::mutation::ItemMutation,
    favorites::mutation::FavoriteMutation,
    tasks::mutation::TaskMutation,
    products::mutation::ProductMutation,
    orders::mutation::OrderMutation,
    wallet::mutation::WalletMutation,
    tickets::mutation::TicketMutation,
);

/// The root of subscriptions.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    chat::subscription::ChatSubscription,
    tasks::subscription::TaskSubscription,
    orders::subscription::OrderSubscription,
    tickets::subscription::TicketSubscription,
);

/// Everything about the signed-in user.
#[derive(MergedObject)]
pub struct Viewer(
    accounts::query::AccountViewer,
    chat::query::ChatViewer,
    media::query::MediaViewer,
    items::query::ItemViewer,
    favorites::query::FavoriteViewer,
    tasks::query::TaskViewer,
    orders::query::OrderViewer,
    wallet::query::WalletViewer,
    tickets::query::TicketViewer,
);

impl Viewer {
    /// The signed-in user's.
    #[must_use]
    pub fn new(viewer: crate::auth::Viewer) -> Self {
        Self(
            accounts::query::AccountViewer(viewer),
            chat::query::ChatViewer,
            media::query::MediaViewer,
            items::query::ItemViewer,
            favorites::query::FavoriteViewer,
            tasks::query::TaskViewer,
            orders::query::OrderViewer,
            wallet::query::WalletViewer,
            tickets::query::TicketViewer,
        )
    }
}

/// Plaza's schema.
pub type PlazaSchema = Schema<Query, Mutation, Subscription>;

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
}

/// The schema, ready to be executed.
#[must_use]
pub fn schema(app: &Arc<App>) -> PlazaSchema {
    // The engine's own limit on nesting is lower than ours, and says less.
    let nesting = app.config.document_limits.nesting as usize + 1;
    builder()
        .data(Arc::clone(app))
        .extension(context::ScopePerExecution)
        .limit_recursive_depth(nesting)
        // `document` has validated what comes here.
        .validation_mode(ValidationMode::Fast)
        .finish()
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
