//! People, products, and what came of all they did.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use serde_json::{Value, json};
use tokio_postgres::NoTls;

use super::Scale;
use super::faults::Weather;
use crate::harness::process::output;
use crate::harness::{Person, post};

/// Something that was answered: done. Of what is doubtful, the id is empty.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Whose doing.
    pub person: usize,
    /// The mutation.
    pub field: &'static str,
    /// Its arguments, with the key.
    pub variables: Value,
    /// What was made or changed.
    pub id: String,
}

impl Ack {
    /// Whether it was sent with a key.
    pub fn is_keyed(&self) -> bool {
        self.variables["idempotencyKey"].is_string()
    }
}

/// What came of it all.
#[derive(Default)]
pub struct Journal {
    /// All that was done.
    pub acks: Vec<Ack>,
    /// Refused, but after a request whose answer was lost, which may have come later and been done.
    pub doubtful: Vec<Ack>,
    /// Refused with user errors.
    pub refused: usize,
    /// Without a key, and without an answer.
    pub unknown: usize,
    /// Requests that no answer came to.
    pub unanswered: usize,
    /// Requests that were answered with an error.
    pub failed: usize,
    /// Requests whose client went away.
    pub hung_up: usize,
    /// How long the slowest error took.
    pub longest_failure: Duration,
}

/// Things to do something with.
#[derive(Default)]
pub struct Shelf {
    /// Tasks with their publishers, and who accepted them.
    pub tasks: Vec<(usize, Option<usize>, String)>,
    /// Submitted tasks, with both sides.
    pub submitted: Vec<([usize; 2], String)>,
    /// Disputed tasks.
    pub disputed: Vec<String>,
    /// Orders with their buyers.
    pub orders: Vec<(usize, String)>,
}

/// See the module.
pub struct World {
    /// The database.
    pub url: String,
    people: Vec<Person>,
    /// What the store has.
    pub products: Vec<String>,
    /// When it began, as PostgreSQL has it.
    pub started_at: String,
    /// How many operations are to be.
    pub operations: usize,
    /// How many have begun.
    pub begun: AtomicUsize,
    /// Whether it is over.
    pub over: AtomicBool,
    /// Things to do something with.
    pub shelf: Mutex<Shelf>,
    /// What came of it.
    pub journal: Mutex<Journal>,
}

/// The first of a payload's things that has an id.
pub fn id_of(payload: &Value) -> Option<String> {
    let things = ["task", "order", "entry", "ticket", "message"];
    things.iter().find_map(|name| payload[*name]["id"].as_str()).map(ToOwned::to_owned)
}

impl World {
    /// People with money, an administrator among them (the last), and a store.
    pub async fn build(weather: &Weather, scale: &Scale) -> Self {
        let register = "mutation ($name: String!) { register(input: { username: $name, password: \"correct horse\" }) {
            tokens { accessToken refreshToken } user { id } userErrors { code } } }";
        let mut people = Vec::new();
        for n in 0..=scale.people {
            let name = if n == scale.people { "admin".to_owned() } else { format!("person{n}") };
            let answer = post(weather.address, None, register, json!({ "name": name })).await;
            let person = Person::new(weather.address, &answer.data()["register"]);
            person.recharge("1000").await;
            people.push(person);
        }
        assert!(output(&["promote", "admin", "ADMIN"], &weather.settings()).await.status.success());
        let admin = people.last().expect("there is one").clone();
        let image = admin.picture().await;
        let mut products = Vec::new();
        // The last is always nearly gone.
        for (price, stock) in [("3.00", 100_000), ("7.50", 100_000), ("1.00", 40)] {
            let input = json!({ "name": "product", "price": price, "stock": stock, "imageId": image });
            let product = admin.done("createProduct", json!({ "input": input })).await;
            products.push(product["id"].as_str().expect("an id").to_owned());
        }
        let mut world = Self {
            url: weather.url(),
            people,
            products,
            started_at: String::new(),
            operations: scale.operations,
            begun: AtomicUsize::new(0),
            over: AtomicBool::new(false),
            shelf: Mutex::default(),
            journal: Mutex::default(),
        };
        let client = world.sql().await.expect("PostgreSQL is there");
        world.started_at = client.query_one("select now()::text", &[]).await.expect("it answers").get(0);
        world
    }

    /// One of the people, by their place.
    pub fn person(&self, place: usize) -> &Person {
        &self.people[place]
    }

    /// How many people there are, but for the administrator, who is the next one.
    pub fn count(&self) -> usize {
        self.people.len() - 1
    }

    /// A connection of one's own, while PostgreSQL answers.
    pub async fn sql(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
