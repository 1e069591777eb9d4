//! A small schema of the tests' own, for what Plaza's schema has no operation for: files, panics, floods, pages inside
//! pages, and a mutation that runs until it is let go.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object, OneofObject, Schema, SimpleObject, Subscription, Upload};
use futures_util::{Stream, StreamExt, stream};
use tokio::sync::Semaphore;

/// The schema.
pub type TestSchema = Schema<Query, Mutation, SubscriptionRoot>;

/// Lets [`Mutation::wait`] go on, a permit for each.
pub type Gate = Arc<Semaphore>;

/// A schema and the gate that its slow mutation stands at.
pub fn schema() -> (TestSchema, Gate) {
    let gate = Gate::new(Semaphore::new(0));
    (Schema::build(Query, Mutation, SubscriptionRoot).data(Arc::clone(&gate)).finish(), gate)
}

fn boom() -> i32 {
    panic!("a test's panic")
}

#[derive(OneofObject)]
pub enum Choice {
    Number(i32),
    Text(String),
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Red,
}

pub struct Query;

#[derive(SimpleObject)]
pub struct PersonConnection {
    nodes: Vec<Person>,
}

pub struct Person;

/// As many as asked for.
fn people(first: Option<i32>) -> PersonConnection {
    PersonConnection { nodes: (0..first.unwrap_or(20)).map(|_| Person).collect() }
}

#[Object]
impl Person {
    async fn name(&self) -> &str {
        "somebody"
    }
    async fn friends(&self, first: Option<i32>) -> PersonConnection {
        people(first)
    }
    async fn best(&self) -> Person {
        Person
    }
}

#[Object]
impl Query {
    async fn echo(&self, number: Option<i32>, text: Option<String>) -> Option<String> {
        text.or(number.map(|number| number.to_string()))
    }
    async fn needed(&self, number: i32) -> i32 {
        number
    }
    async fn echoes(&self, numbers: Option<Vec<Option<i32>>>) -> Option<Vec<Option<i32>>> {
        numbers
    }
    async fn choose(&self, choice: Choice) -> String {
        match choice {
            Choice::Number(number) => number.to_string(),
            Choice::Text(text) => text,
        }
    }
    async fn pick(&self, colour: Colour) -> Colour {
        colour
    }
    async fn people(&self, first: Option<i32>) -> PersonConnection {
        people(first)
    }
    async fn panic(&self) -> i32 {
        boom()
    }
}

pub struct Mutation;

fn told(ctx: &Context<'_>, file: Upload) -> String {
    let file = file.value(ctx).expect("the file is there");
    let size = file.content.metadata().expect("the file is open").len();
    format!("{} {} {size}", file.filename, file.content_type.unwrap_or_default())
}

#[Object]
impl Mutation {
    async fn upload(&self, ctx: &Context<'_>, file: Upload) -> String {
        told(ctx, file)
    }
    async fn note(&self, text: String) -> String {
        text
    }
    async fn upload_all(&self, ctx: &Context<'_>, files: Vec<Upload>) -> Vec<String> {
        files.into_iter().map(|file| told(ctx, file)).collect()
    }
    async fn wait(&self, ctx: &Context<'_>) -> bool {
        ctx.data_unchecked::<Gate>().acquire().await.expect("the gate is never closed").forget();
        true
    }
    async fn panic(&self) -> i32 {
        boom()
    }
}

pub struct SubscriptionRoot;

#[Subscription]
impl SubscriptionRoot {
    /// Without end, as fast as it is read.
    async fn flood(&self) -> impl Stream<Item = i32> + use<> {
        stream::iter(0..)
    }
    /// A flood that fills every buffer on its way within a moment, on slow machines, too.
    async fn torrent(&self) -> impl Stream<Item = String> + use<> {
        stream::repeat("x".repeat(32 << 10))
    }
    async fn count(&self, to: i32) -> impl Stream<Item = i32> + use<> {
        stream::iter(1..=to)
    }
    /// Says nothing.
    async fn silence(&self) -> impl Stream<Item = i32> + use<> {
        stream::pending()
    }
    async fn panic(&self) -> impl Stream<Item = i32> + use<> {
        stream::iter(0..3).map(|n| if n == 1 { boom() } else { n })
    }
}
