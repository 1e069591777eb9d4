//! The workload: its users and products, the objects to operate on, and the history of outcomes.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_postgres::NoTls;
use tokio_util::sync::CancellationToken;

use super::Scale;
use super::faults::FaultyServer;
use crate::harness::process::output;
use crate::harness::{Person, post};

/// An acknowledged operation. Its id is empty while its outcome is indeterminate.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The place of the user who sent it.
    pub person: usize,
    /// The mutation.
    pub field: &'static str,
    /// Its arguments, with the key.
    pub variables: Value,
    /// The object that it created or changed.
    pub id: String,
}

impl Ack {
    /// Whether it was sent with an idempotency key.
    pub fn is_keyed(&self) -> bool {
        self.variables["idempotencyKey"].is_string()
    }
}

/// The outcomes of all operations.
#[derive(Default)]
pub struct History {
    /// The acknowledged operations.
    pub acks: Vec<Ack>,
    /// Refused after a request whose response was lost, and which may have been executed.
    pub indeterminate: Vec<Ack>,
    /// Refused with user errors.
    pub refused: usize,
    /// Operations without a key whose response was lost.
    pub unknown: usize,
    /// Requests without a response.
    pub unanswered: usize,
    /// Requests with an error in the response.
    pub failed: usize,
    /// Requests that the client dropped.
    pub disconnected: usize,
    /// The time until the slowest error.
    pub longest_failure: Duration,
}

/// Objects that operations can be chosen for.
#[derive(Default)]
pub struct OpenObjects {
    /// Tasks with their publishers and assignees.
    pub tasks: Vec<(usize, Option<usize>, String)>,
    /// Submitted tasks, with publisher and assignee.
    pub submitted: Vec<([usize; 2], String)>,
    /// Disputed tasks.
    pub disputed: Vec<String>,
    /// Orders with their buyers.
    pub orders: Vec<(usize, String)>,
}

/// The users and what is shared between their clients, the faults and the observer.
pub struct Workload {
    /// The database.
    pub url: String,
    people: Vec<Person>,
    /// The products of the store.
    pub products: Vec<String>,
    /// When the workload began, by the clock of PostgreSQL.
    pub started_at: String,
    /// The number of operations to start.
    pub operations: usize,
    started: watch::Sender<usize>,
    /// Cancelled when all clients have finished.
    pub finished: CancellationToken,
    /// Objects that operations can be chosen for.
    pub open: Mutex<OpenObjects>,
    /// The outcomes so far.
    pub history: Mutex<History>,
}

/// The id of the object in a payload.
pub fn id_of(payload: &Value) -> Option<String> {
    let objects = ["task", "order", "entry", "ticket", "message"];
    objects.iter().find_map(|name| payload[*name]["id"].as_str()).map(ToOwned::to_owned)
}

impl Workload {
    /// Registers users with money, the last one an administrator, and fills the store.
    pub async fn build(server: &FaultyServer, scale: &Scale) -> Self {
        let register = "mutation ($name: String!) { register(input: { username: $name, password: \"correct horse\" }) {
            tokens { accessToken refreshToken } user { id } userErrors { code } } }";
        let mut people = Vec::new();
        for n in 0..=scale.people {
            let name = if n == scale.people { "admin".to_owned() } else { format!("person{n}") };
            let answer = post(server.address, None, register, json!({ "name": name })).await;
            let person = Person::new(server.address, &answer.data()["register"]);
            person.recharge("1000").await;
            people.push(person);
        }
        assert!(output(&["promote", "admin", "ADMIN"], &server.settings()).await.status.success());
        let admin = people.last().expect("there is one").clone();
        let image = admin.upload_picture().await;
        let mut products = Vec::new();
        // The last is always nearly gone.
        for (price, stock) in [("3.00", 100_000), ("7.50", 100_000), ("1.00", 40)] {
            let input = json!({ "name": "product", "price": price, "stock": stock, "imageId": image });
            let product = admin.mutate_ok("createProduct", json!({ "input": input })).await;
            products.push(product["id"].as_str().expect("an id").to_owned());
        }
        let mut workload = Self {
            url: server.url(),
            people,
            products,
            started_at: String::new(),
            operations: scale.operations,
            started: watch::Sender::new(0),
            finished: CancellationToken::new(),
            open: Mutex::default(),
            history: Mutex::default(),
        };
        let client = workload.sql().await.expect("PostgreSQL is there");
        workload.started_at = client.query_one("select now()::text", &[]).await.expect("it answers").get(0);
        workload
    }

    /// Counts one more operation as started; returns how many were before.
    pub fn start_operation(&self) -> usize {
        let mut before = 0;
        self.started.send_modify(|started| {
            before = *started;
            *started += 1;
        });
        before
    }

    /// How many operations were started.
    pub fn started(&self) -> usize {
        *self.started.borrow()
    }

    /// Waits until so many operations were started.
    pub async fn wait_for_started(&self, operations: usize) {
        let mut started = self.started.subscribe();
        started.wait_for(|started| *started >= operations).await.expect("the workload holds the sender");
    }

    /// A user by their place.
    pub fn person(&self, place: usize) -> &Person {
        &self.people[place]
    }

    /// The number of users without the administrator, whose place is the next.
    pub fn count(&self) -> usize {
        self.people.len() - 1
    }

    /// A separate connection, if PostgreSQL accepts one.
    pub async fn sql(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
