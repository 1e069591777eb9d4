//! Who may do what: every root field is run without a token, as another user, as the owner of the object,
//! as support and as an administrator. The outcomes are compared with `docs/permissions.md`, and only the owner, and an
//! administrator where the rules allow it, reads anything private.

mod cases;
mod costs;
mod friends;
mod groups;
mod merchants;
mod money;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plaza::ids::{ItemId, MediaId, SessionId, UserId};
use serde_json::{Value, json};

use crate::edits::edit;
use crate::harness::files::{file_part, rgb_png, send_files_with};
use crate::harness::{Answer, Person, Socket, TestApp, post, until};
use crate::upload_tickets::ticket;
use cases::{CASES, Case};
use friends::{FriendsFixture, trigger_request};
use groups::{GroupFixture, add_group_of, table_of_roles, trigger_join_request};
use merchants::MerchantFixture;
use money::MoneyFixture;

/// Stands in everything that is private to the owner.
const SECRET: &str = "for-the-owner-alone";

const ACTORS: [&str; 5] = ["anonymous", "user", "owner", "support", "admin"];

/// People and things of one case alone: an owner with a session, secrets, and a conversation with a friend.
struct Fixture {
    number: usize,
    username: String,
    account_number: i32,
    owner: Person,
    actors: Vec<Option<Person>>,
    friend: String,
    friend_token: String,
    session: String,
    conversation: String,
    message: String,
    /// What the owner's friend said to the owner.
    said: Value,
    file: String,
    upload: String,
    /// Deleted: the owner's and the administrators'.
    item: String,
    open_item: String,
    money: MoneyFixture,
    friends: FriendsFixture,
    group: GroupFixture,
    merchants: MerchantFixture,
}

impl Fixture {
    fn new_email(&self) -> String {
        format!("new{}@example.com", self.number)
    }

    fn pending_email(&self) -> String {
        format!("pending{}-owner@example.com", self.number)
    }

    async fn new(app: &TestApp, sql: &tokio_postgres::Client, number: usize) -> Self {
        let mut people = Vec::new();
        for (name, role) in
            [("owner", "USER"), ("user", "USER"), ("support", "SUPPORT"), ("admin", "ADMIN"), ("friend", "USER")]
        {
            let username = format!("{name}{number}");
            let statement = format!(
                "with u as (insert into users (username, username_key, nickname, role) values ($1, $1, $1, '{role}') returning id, account_number),
                p as (insert into profiles (user_id, address, id_card, pending_email) select id, $2, $2, $3 from u),
                s as (insert into sessions (user_id, platform, device_name, expires_at) select id, 'WEB', $2, now() + interval '1 day' from u returning id)
                select u.id, u.account_number, s.id from u, s"
            );
            let secret = if name == "owner" { SECRET } else { "" };
            let email = format!("pending{number}-{name}@example.com");
            let row = sql.query_one(&statement, &[&username, &secret, &email]).await.unwrap();
            let (id, account_number, session): (i64, i32, i64) = (row.get(0), row.get(1), row.get(2));
            let (token, _) = app.app.tokens.issue(UserId(id), SessionId(session), app.app.clock.now()).unwrap();
            let person = Person::with_token(app.address, UserId(id), token);
            people.push((person, account_number, SessionId(session).global().0));
        }
        let [(owner, account_number, session), (user, ..), (support, ..), (admin, ..), (friend, ..)] =
            <[_; 5]>::try_from(people).unwrap_or_else(|_| panic!("five people"));
        let said = friend.send_message(&owner, SECRET).await;
        let own = owner.send_message(&friend, SECRET).await;
        let (file, upload) = Self::file_of(&owner, sql).await;
        let (item, open_item) =
            (Self::item_of(&owner, sql, SECRET, "DELETED").await, Self::item_of(&owner, sql, "open", "OPEN").await);
        let image = MediaId::parse(&file).unwrap();
        let money = MoneyFixture::of(&owner, &friend, image.0, sql).await;
        let friends = FriendsFixture::of(&owner, &friend, number, sql).await;
        let group = GroupFixture::of(&owner, &friend, number, sql).await;
        let merchants = MerchantFixture::of(&owner, &friend, image, number, sql).await;
        let actors = vec![None, Some(user), Some(owner.clone()), Some(support), Some(admin)];
        Self {
            number,
            username: format!("owner{number}"),
            account_number,
            actors,
            friend: friend.id.clone(),
            friend_token: friend.token,
            session,
            conversation: said["conversation"]["id"].as_str().unwrap().to_owned(),
            file,
            upload,
            item,
            open_item,
            money,
            friends,
            group,
            merchants,
            said: said["id"].clone(),
            message: own["id"].as_str().unwrap().to_owned(),
            owner,
        }
    }

    /// A file of a user's, and the token of the upload that it came by.
    async fn file_of(owner: &Person, sql: &tokio_postgres::Client) -> (String, String) {
        let row = sql
            .query_one(
                "with b as (insert into blobs (sha256, content_type, name, size_bytes, uses, wanted_at)
                    values (sha256($2::text::bytea), 'text/plain', $2, 1, 1, now()) returning id),
                u as (insert into file_usage (owner_id, files, bytes) values ($1, 1, 1))
                insert into media (owner_id, blob_id, file_name, created_at) select $1, id, $3, now() from b returning id",
                &[&owner.key(), &owner.id, &SECRET],
            )
            .await
            .unwrap();
        let media: i64 = row.get(0);
        let token = ticket(owner, "a.txt", "text/plain", 1).await["uploadToken"].as_str().unwrap().to_owned();
        let done = "update uploads set state = 'DONE', media_id = $1 where owner_id = $2";
        sql.execute(done, &[&media, &owner.key()]).await.unwrap();
        (MediaId(media).global().0, token)
    }

    /// An item of a user's.
    async fn item_of(owner: &Person, sql: &tokio_postgres::Client, title: &str, status: &str) -> String {
        let statement = format!(
            "insert into items (owner_id, title, category, price, condition, note, direction, status, created_at, updated_at)
             values ($1, $2, 1, 1, 1, '', 'SELL', '{status}', now(), now()) returning id"
        );
        let id: i64 = sql.query_one(&statement, &[&owner.key(), &title]).await.unwrap().get(0);
        ItemId(id).global().0
    }

    fn friend(&self) -> Person {
        Person { token: self.friend_token.clone(), id: self.friend.clone(), ..self.owner.clone() }
    }

    /// Sends the secret from the owner's friend to the owner.
    async fn send_secret(&self) {
        self.friend().send_message(&self.owner, SECRET).await;
    }

    /// The owner's friend types to the owner, where the last message is the secret, and then to another user.
    async fn type_to(&self, person: &Person) {
        let friend = self.friend();
        friend.set_typing(json!({ "userId": self.owner.id }), "TYPING").await;
        if person.id != self.owner.id {
            friend.send_message(person, "hello").await;
            friend.set_typing(json!({ "userId": person.id }), "TYPING").await;
        }
    }

    /// The owner's friend tells friends whether they are online, and so does a friend of another user's.
    async fn show_presence(&self, app: &TestApp, person: &Person) {
        let presence = &app.app.events.presence;
        presence.tell_setting(UserId(self.friend().key()));
        if person.id != self.owner.id {
            let friend = app.as_user(&format!("near{}{}", self.number, person.key())).await;
            person.make_friends(&friend).await;
            presence.tell_setting(UserId(friend.key()));
        }
    }
}

/// The outcome as a word of the table.
fn outcome(answer: &Answer) -> String {
    if answer.body.get("errors").is_some() {
        return answer.code().to_owned();
    }
    let value = answer.body["data"].as_object().unwrap().values().next().unwrap();
    let hidden = value.is_null() || value == &json!([null]);
    let code = value["userErrors"][0]["code"].as_str().unwrap_or_default();
    match code {
        "NOT_FOUND" | "FORBIDDEN" | "NOT_MEMBER" | "OWN_ITEM" | "OWN_TASK" | "NOT_FRIENDS" => code.to_owned(),
        "CODE_INVALID" if value.get("media").is_some() => code.to_owned(),
        _ if hidden => "null".to_owned(),
        _ => "yes".to_owned(),
    }
}

/// Whether the response may hold what is private to the owner.
fn may_read(case: &Case, actor: usize) -> bool {
    const ADMINS: [&str; 9] = ["item", "items", "messages", "task", "tasks", "order", "orders", "ticket", "tickets"];
    let name = case.field.strip_prefix("Query.").unwrap_or_default();
    match ACTORS[actor] {
        "owner" => true,
        "support" => ["ticket", "tickets"].contains(&name) || case.field == "Subscription.ticketUpdated",
        "admin" => {
            let live = ["Subscription.orderUpdated", "Subscription.ticketUpdated"].contains(&case.field);
            live || ADMINS.contains(&name)
                || (case.document.contains("private") && !case.document.to_lowercase().contains("message"))
        }
        _ => false,
    }
}

/// Sends a query or mutation, with a picture of the fixture's own where it takes a file.
async fn send(app: &TestApp, case: &Case, fixture: &Fixture, actor: usize) -> Answer {
    let token = fixture.actors[actor].as_ref().map(|person| person.token.as_str());
    if !case.document.contains("Upload!") {
        return post(app.address, token, case.document, (case.variables)(fixture)).await;
    }
    let number = u32::try_from(fixture.number).unwrap();
    let picture = rgb_png(9 + number % 32, 9 + number / 32);
    let operation = (case.document, (case.variables)(fixture));
    let reply = send_files_with(app.address, token, operation, &[file_part("a.png", picture)]).await;
    Answer { status: reply.status, body: reply.json() }
}

async fn run_case(app: &TestApp, sql: &tokio_postgres::Client, case: &Case, fixture: &Fixture, actor: usize) -> String {
    if case.field.starts_with("Subscription.") {
        return run_subscription(app, sql, case, fixture, actor).await;
    }
    let answer = send(app, case, fixture, actor).await;
    let may_read = may_read(case, actor);
    let leaks = answer.body.to_string().contains(SECRET) || answer.body.to_string().contains(&fixture.pending_email());
    assert!(may_read || !leaks, "{} tells {}: {}", case.field, ACTORS[actor], answer.body);
    outcome(&answer)
}

/// Subscribes while the owner gets a message; a user who does not get it gets their own note first.
async fn run_subscription(
    app: &TestApp,
    sql: &tokio_postgres::Client,
    case: &Case,
    fixture: &Fixture,
    actor: usize,
) -> String {
    let Some(person) = &fixture.actors[actor] else {
        let mut socket = Socket::open(app.address, Value::Null).await;
        socket.subscribe(case.document, json!({})).await;
        let message = socket.receive().await;
        return message["payload"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned();
    };
    let is_other = person.id != fixture.owner.id;
    let other = if is_other { Some((person, add_group_of(person, sql).await)) } else { None };
    let before = app.live.hub.subscriptions();
    let mut socket = person.socket().await;
    socket.subscribe(case.document, json!({})).await;
    until("the subscription is live", || async { app.live.hub.live() > before }).await;
    if case.document.contains("groupJoinRequest") {
        trigger_join_request(&fixture.owner, &fixture.group.group, other, sql).await;
    } else if case.document.contains("messageChanged") {
        let note = person.send_message(person, "a note to oneself").await["id"].clone();
        edit(&fixture.friend(), &fixture.said, SECRET).await;
        edit(person, &note, "changed").await;
    } else if case.document.contains("typing") {
        fixture.type_to(person).await;
    } else if case.document.contains("presenceChanged") {
        fixture.show_presence(app, person).await;
    } else if case.document.contains("friendRequest") {
        trigger_request(case.field, &fixture.owner, &fixture.friend, person, sql).await;
    } else if case.document.contains("Updated {") && !case.document.contains("conversation") {
        fixture.money.trigger_update(case.field, &fixture.owner, person, sql).await;
    } else {
        fixture.send_secret().await;
        person.send_message(person, "a note to oneself").await;
    }
    let heard = socket.next().await.to_string();
    let secret = if case.document.contains("presenceChanged") { &fixture.friend } else { SECRET };
    assert_eq!(heard.contains(secret), may_read(case, actor), "{} tells {}: {heard}", case.field, ACTORS[actor]);
    drop(socket);
    until("the subscription is gone", || async { app.live.hub.subscriptions() == before }).await;
    "yes".to_owned()
}

async fn root_fields(app: &TestApp) -> BTreeSet<String> {
    let roots = "{ __schema { queryType { name fields { name } } mutationType { name fields { name } } subscriptionType { name fields { name } } } }";
    let schema = app.run(roots, json!({})).await.data()["__schema"].clone();
    let roots = schema.as_object().unwrap().values();
    roots
        .flat_map(|root| {
            let name = root["name"].as_str().unwrap().to_owned();
            let fields = root["fields"].as_array().unwrap().clone();
            fields.into_iter().map(move |field| format!("{name}.{}", field["name"].as_str().unwrap()))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says() {
    let app = TestApp::start().await;
    let tried: BTreeSet<String> = CASES.iter().map(|case| case.field.to_owned()).collect();
    assert_eq!(root_fields(&app).await, tried, "every root field is tried, and no other");
    let sql = app.sql().await;
    let mut table = String::new();
    for (index, case) in CASES.iter().enumerate() {
        write!(table, "| `{}` |", case.field).unwrap();
        for actor in 0..ACTORS.len() {
            let fixture = Fixture::new(&app, &sql, index * ACTORS.len() + actor).await;
            write!(table, " {} |", run_case(&app, &sql, case, &fixture, actor).await).unwrap();
        }
        table.push('\n');
    }
    let roles = table_of_roles(&app, &sql).await;
    let text =
        format!("{HEAD}| field | {} |\n|---|---|---|---|---|---|\n{table}\n{HEAD_OF_ROLES}{roles}", ACTORS.join(" | "));
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/target/permissions.md");
    std::fs::write(made, &text).unwrap();
    let kept = include_str!("../../docs/permissions.md");
    assert_eq!(kept, text, "who may do what has changed; if that is meant, run `make permissions`");
}

const HEAD_OF_ROLES: &str = "## In a group

What a user may do in a group by what they are to it: a stranger; an applicant, whose request to join waits; a member; a member
who is muted; a manager; the owner; a user who was removed; and one whom the owner blocks. All are signed in. The member who is
muted, removed, made a manager or given the group is a general one, or a manager where it says so. `no` means that there is
nothing to read for them.

";

const HEAD: &str = "# Who may do what

Made by `make permissions`: a test runs every root field on an object that belongs to the *owner*: without a token, as
another user, as the owner, as support and as an administrator. It fails when the outcomes differ from this table, when
a root field is missing here, or when another user reads what is private to the owner: their address, papers and
contacts (the owner and administrators see them), their messages and their files (the owner alone).

`yes` means that the field answered, with whatever that person may see; `null` that for them there is no such thing.
`UNAUTHENTICATED` and, of what is an administrator's, `FORBIDDEN` are codes of `errors`; `NOT_FOUND`, `NOT_MEMBER`, of
another's item or task `FORBIDDEN`, of one's own `OWN_ITEM` and `OWN_TASK`, of who is no friend `NOT_FRIENDS` and, of another's upload, `CODE_INVALID` stand in
`userErrors`. The item and the task that are looked at are a deleted and a cancelled one, which their owner and administrators
see; the others' mutations are of open ones. Orders are of their buyer and administrators, tickets of support as well.

";
