//! Markers and counts against a plain model of a group: after each random step of its members both have the same.

use plaza::domains::chat::membership::History;
use plaza::ids::{ConversationId, UserId};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};
use crate::markers::move_member;

const GROUP: ConversationId = ConversationId(1);
const MEMBERS: usize = 5;
const STEPS: usize = 10_000;

const COUNTS: &str = "unreadCount mentionCount lastReadSeq maxSeq";

/// A message of the model.
struct Said {
    id: Value,
    sender: usize,
    mentions: Vec<usize>,
    all: bool,
    revoked: bool,
}

/// A member of the model.
#[derive(Clone, Copy)]
struct Place {
    from: usize,
    until: Option<usize>,
    read: usize,
}

/// What was said, the first message at 0, and where the members are.
struct Model {
    said: Vec<Said>,
    places: [Place; MEMBERS],
}

impl Model {
    fn last_visible(&self, member: usize) -> usize {
        self.places[member].until.unwrap_or(self.said.len())
    }

    fn counts(&self, member: usize) -> Value {
        let Place { from, read, .. } = self.places[member];
        let last = self.last_visible(member);
        let seen = read.max(from - 1);
        let unread: Vec<&Said> = self.said.iter().take(last).skip(seen).filter(|said| said.sender != member).collect();
        let mentioning = |said: &&&Said| !said.revoked && (said.all || said.mentions.contains(&member));
        json!({ "unreadCount": unread.len(), "mentionCount": unread.iter().filter(mentioning).count(),
            "lastReadSeq": read, "maxSeq": last })
    }

    fn read(&mut self, member: usize, seq: usize) {
        let last = self.last_visible(member);
        let place = &mut self.places[member];
        place.read = place.read.max(seq.min(last));
    }
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

async fn counts(person: &Person) -> Value {
    let document = format!("query ($id: ID!) {{ conversation(id: $id) {{ {COUNTS} }} }}");
    person.data(&document, json!({ "id": GROUP.global() })).await["conversation"].clone()
}

/// Runs a mutation of the conversation, which has to succeed; the counts that its payload has, where it has any.
async fn change(person: &Person, parameters: &str, call: &str, shown: &str, mut variables: Value) -> Value {
    variables["id"] = json!(GROUP.global());
    let document = format!("mutation ($id: ID!{parameters}) {{ done: {call} {{ {shown} userErrors {{ code }} }} }}");
    let done = person.data(&document, variables).await["done"].clone();
    assert_eq!(done["userErrors"], json!([]), "{call}");
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_and_counts_are_those_of_a_model() {
    let app = TestApp::start().await;
    let people = app.people(["m0", "m1", "m2", "m3", "m4"]).await;
    // The first one runs the group, and stays.
    let group = "insert into conversations (kind) values ('GROUP');
        insert into members (conversation_id, user_id, is_staff) select 1, id, id = 1 from users";
    app.sql().await.batch_execute(group).await.unwrap();
    let place = Place { from: 1, until: None, read: 0 };
    let mut model = Model { said: Vec::new(), places: [place; MEMBERS] };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for step in 0..STEPS {
        let member = dice.roll(MEMBERS);
        let person = &people[member];
        let conversation = format!("conversation {{ {COUNTS} }}");
        let is_present = model.places[member].until.is_none();
        let found = match dice.roll(20) {
            0..=8 if is_present => {
                let present = |other: &usize| model.places[*other].until.is_none();
                let mentions: Vec<usize> = (0..MEMBERS).filter(|_| dice.roll(6) == 0).filter(present).collect();
                let all = member == 0 && dice.roll(4) == 0;
                let users: Vec<&str> = mentions.iter().map(|other| people[*other].id.as_str()).collect();
                let send = "sendMessage(input: { to: { conversationId: $id }, content: { text: { text: \"hello\" } },
                    mentionUserIds: $users, mentionAll: $all })";
                let shown = format!("message {{ id {conversation} }}");
                let variables = json!({ "users": users, "all": all });
                let done = change(person, ", $users: [ID!], $all: Boolean", send, &shown, variables).await;
                model.said.push(Said {
                    id: done["message"]["id"].clone(),
                    sender: member,
                    mentions,
                    all,
                    revoked: false,
                });
                model.read(member, model.said.len());
                done["message"]["conversation"].clone()
            }
            9..=13 => {
                let seq = dice.roll(model.said.len() + 3);
                let read = "markConversationRead(to: { conversationId: $id }, upToSeq: $seq)";
                let done = change(person, ", $seq: Int", read, &conversation, json!({ "seq": seq })).await;
                model.read(member, seq);
                done["conversation"].clone()
            }
            14 => {
                let mark = "markConversationDelivered(to: { conversationId: $id }, upToSeq: $seq)";
                let seq = dice.roll(model.said.len() + 3);
                change(person, ", $seq: Int!", mark, &conversation, json!({ "seq": seq })).await;
                counts(person).await
            }
            15 if member > 0 && is_present => {
                move_member(&app, UserId(person.key()), None).await;
                model.places[member].until = Some(model.said.len());
                counts(person).await
            }
            16 | 17 if !is_present => {
                let history = if dice.roll(2) == 0 { History::Shown } else { History::Hidden };
                move_member(&app, UserId(person.key()), Some(history)).await;
                let last = model.said.len();
                let place = &mut model.places[member];
                (place.from, place.until) = (if history == History::Shown { 1 } else { last + 1 }, None);
                place.read = place.read.max(place.from - 1);
                counts(person).await
            }
            18 if dice.roll(3) == 0 => {
                let done = change(person, "", "clearConversation(id: $id)", &conversation, json!({})).await;
                let last = model.last_visible(member);
                model.read(member, last);
                model.places[member].from = model.places[member].from.max(last + 1);
                done["conversation"].clone()
            }
            _ if !model.said.is_empty() => {
                // The first one takes any message back; one that is gone stays so.
                let place = dice.roll(model.said.len());
                let said = &mut model.said[place];
                people[0].on_message("revokeMessage(id: $id)", &said.id).await;
                said.revoked |= place + 1 >= model.places[0].from;
                counts(person).await
            }
            _ => counts(person).await,
        };
        assert_eq!(found, model.counts(member), "step {step}, member {member}");
        if step % 50 == 0 {
            for (member, person) in people.iter().enumerate() {
                assert_eq!(counts(person).await, model.counts(member), "step {step}, member {member}");
            }
        }
    }
    assert_eq!(app.audit().await, [""; 0]);
}
