//! What messages hold beside words: each type as its sender and others see it, what is refused, and the files they show.

use serde_json::{Value, json};

use crate::harness::accounts::user_errors;
use crate::harness::files::{FilePart, amr, file_part, pdf, rgb_png};
use crate::harness::{Person, TestApp};

/// All of every type of content.
pub const CONTENT: &str = "type isPrivate content { __typename ... on TextContent { text }
    ... on PictureContent { url thumbnailUrl width height localPath }
    ... on VoiceContent { url durationSeconds localPath } ... on VideoContent { url durationSeconds localPath }
    ... on LocationContent { coordinates { longitude latitude } name address }
    ... on FileContent { url fileName sizeBytes localPath } ... on UnsupportedContent { contentType } }";

const EDIT: &str = "mutation ($id: ID!) { editMessage(id: $id, text: \"words\") { userErrors { code field } } }";

/// Sends a content to a target and returns the payload.
pub async fn send_content(from: &Person, to: &Value, content: &Value, more: Value) -> Value {
    let mut input = json!({ "to": to, "content": content });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let document = format!(
        "mutation ($input: SendMessageInput!) {{ sendMessage(input: $input) {{ message {{ id seq {CONTENT} }}
            deduplicated userErrors {{ code field }} }} }}"
    );
    from.data(&document, json!({ "input": input })).await["sendMessage"].clone()
}

/// Sends a content that is taken; the message.
async fn send_ok(from: &Person, to: &Value, content: &Value) -> Value {
    let payload = send_content(from, to, content, json!({})).await;
    assert_eq!(payload["userErrors"], json!([]), "{content}");
    payload["message"].clone()
}

fn user(person: &Person) -> Value {
    json!({ "userId": person.id })
}

fn mp4() -> FilePart {
    FilePart { content_type: "video/mp4", ..file_part("a.mp4", *b"\0\0\0\x18ftypisom\0\0\0\0mp42isom\0\0\0\x08moov") }
}

/// Files of a person's: a picture, sound, a video and a document.
struct Uploads {
    picture: Value,
    voice: Value,
    video: Value,
    document: Value,
}

impl Uploads {
    async fn of(person: &Person) -> Self {
        Self {
            picture: person.upload_media(file_part("cat.png", rgb_png(640, 400))).await,
            voice: person.upload_media(file_part("a.amr", amr())).await,
            video: person.upload_media(mp4()).await,
            document: person.upload_media(file_part("报价.pdf", pdf(3000, 1))).await,
        }
    }

    /// An input of each type, and what its sender sees of it.
    fn contents(&self) -> Vec<(Value, Value)> {
        let Self { picture, voice, video, document } = self;
        let path = "/sdcard/a b.bin";
        let place = json!({ "longitude": 121.473_701_234_567_8, "latitude": -31.230_4 });
        vec![
            (
                json!({ "picture": { "mediaId": picture["id"], "localPath": path } }),
                json!({ "__typename": "PictureContent", "url": picture["url"], "thumbnailUrl": picture["thumbnailUrl"],
                    "width": 640, "height": 400, "localPath": path }),
            ),
            (
                json!({ "voice": { "mediaId": voice["id"], "durationSeconds": 3, "localPath": path } }),
                json!({ "__typename": "VoiceContent", "url": voice["url"], "durationSeconds": 3, "localPath": path }),
            ),
            (
                json!({ "video": { "mediaId": video["id"], "durationSeconds": 86_400 } }),
                json!({ "__typename": "VideoContent", "url": video["url"], "durationSeconds": 86_400, "localPath": null }),
            ),
            (
                json!({ "location": { "coordinates": place, "name": " 外滩 ", "address": "中山东一路" } }),
                json!({ "__typename": "LocationContent", "coordinates": place, "name": "外滩", "address": "中山东一路" }),
            ),
            (
                json!({ "location": { "coordinates": { "longitude": -180, "latitude": 90 } } }),
                json!({ "__typename": "LocationContent", "coordinates": { "longitude": -180.0, "latitude": 90.0 },
                    "name": null, "address": null }),
            ),
            (
                json!({ "file": { "mediaId": document["id"], "localPath": path } }),
                json!({ "__typename": "FileContent", "url": document["url"], "fileName": "报价.pdf", "sizeBytes": 3000,
                    "localPath": path }),
            ),
            (
                json!({ "file": { "mediaId": picture["id"], "fileName": "my cat.png" } }),
                json!({ "__typename": "FileContent", "url": picture["url"], "fileName": "my cat.png",
                    "sizeBytes": picture["sizeBytes"], "localPath": null }),
            ),
        ]
    }
}

/// As all but the sender see it.
fn without_path(content: &Value) -> Value {
    let mut content = content.clone();
    if let Some(path) = content.get_mut("localPath") {
        *path = Value::Null;
    }
    content
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_is_sent_read_and_heard() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    let start = bo.event_cursor().await;
    let receive =
        format!("subscription ($after: String) {{ messageReceived(after: $after) {{ message {{ seq {CONTENT} }} }} }}");
    let (mut own, mut other) = (ada.socket().await, bo.socket().await);
    own.subscribe_live(&app, &receive, json!({})).await;
    other.subscribe_live(&app, &receive, json!({})).await;
    let list =
        format!("query ($id: ID!) {{ conversationWith(userId: $id) {{ messages {{ nodes {{ seq {CONTENT} }} }} }} }}");
    let contents = uploads.contents();
    for (content, shown) in &contents {
        let message = send_ok(&ada, &user(&bo), content).await;
        assert_eq!(&message["content"], shown, "as it is answered");
        let type_name = message["type"].as_str().unwrap().to_lowercase();
        assert!(content.get(&type_name).is_some(), "{type_name}: {content}");
        let live = own.next().await["messageReceived"]["message"].clone();
        assert_eq!((&live["content"], &live["type"]), (shown, &message["type"]), "on the sender's other device");
        assert_eq!(other.next().await["messageReceived"]["message"]["content"], without_path(shown));
    }
    for (person, peer, is_sender) in [(&ada, &bo, true), (&bo, &ada, false)] {
        let data = person.data(&list, json!({ "id": peer.id })).await;
        let nodes = data["conversationWith"]["messages"]["nodes"].as_array().unwrap();
        let expected = |(_, shown): &(Value, Value)| if is_sender { shown.clone() } else { without_path(shown) };
        let found: Vec<Value> = nodes.iter().map(|node| node["content"].clone()).collect();
        assert_eq!(found, contents.iter().map(expected).collect::<Vec<_>>());
        // Resuming: from memory, and on an instance that holds nothing of it.
        for address in [app.address, app.another_instance().await.address] {
            let mut socket = person.on_instance(address).socket().await;
            socket.subscribe(&receive, json!({ "after": start })).await;
            for content in &contents {
                assert_eq!(socket.next().await["messageReceived"]["message"]["content"], expected(content));
            }
        }
    }
    let url = &uploads.picture["url"];
    assert_eq!(app.fetch(url).await.0, 200);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_saved_under_the_name_that_the_message_gives() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let document = ada.upload_media(file_part("a.pdf", pdf(3000, 1))).await;
    let content = json!({ "file": { "mediaId": document["id"], "fileName": "offer 2" } });
    let shown = send_ok(&ada, &user(&ada), &content).await["content"].clone();
    assert_eq!(shown["fileName"], "offer 2");
    assert!(shown["url"].as_str().unwrap().ends_with(".pdf?name=offer%202.pdf"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_shown_is_refused_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    let foreign = bo.upload_media(file_part("b.png", rgb_png(9, 9))).await;
    let deleted = ada.upload_media(file_part("c.png", rgb_png(8, 9))).await;
    assert_eq!(ada.delete_file(&deleted["id"]).await["userErrors"], json!([]));
    let (picture, voice, video, document) =
        (&uploads.picture["id"], &uploads.voice["id"], &uploads.video["id"], &uploads.document["id"]);
    let at = |longitude: f64, latitude: f64| json!({ "longitude": longitude, "latitude": latitude });
    let named = |field: &str, text: &str| json!({ "location": { "coordinates": at(0.0, 0.0), (field): text } });
    let cases = [
        (json!({ "picture": { "mediaId": foreign["id"] } }), "NOT_FOUND input.content.picture.mediaId"),
        (json!({ "file": { "mediaId": foreign["id"] } }), "NOT_FOUND input.content.file.mediaId"),
        (json!({ "picture": { "mediaId": deleted["id"] } }), "NOT_FOUND input.content.picture.mediaId"),
        (json!({ "voice": { "mediaId": bo.id } }), "NOT_FOUND input.content.voice.mediaId"),
        (json!({ "video": { "mediaId": "" } }), "NOT_FOUND input.content.video.mediaId"),
        (json!({ "picture": { "mediaId": voice } }), "FILE_TYPE_NOT_ALLOWED input.content.picture.mediaId"),
        (json!({ "picture": { "mediaId": document } }), "FILE_TYPE_NOT_ALLOWED input.content.picture.mediaId"),
        (json!({ "voice": { "mediaId": video } }), "FILE_TYPE_NOT_ALLOWED input.content.voice.mediaId"),
        (json!({ "video": { "mediaId": picture } }), "FILE_TYPE_NOT_ALLOWED input.content.video.mediaId"),
        (
            json!({ "picture": { "mediaId": picture, "durationSeconds": 1 } }),
            "INVALID_INPUT input.content.picture.durationSeconds",
        ),
        (
            json!({ "voice": { "mediaId": voice, "durationSeconds": -1 } }),
            "INVALID_INPUT input.content.voice.durationSeconds",
        ),
        (
            json!({ "video": { "mediaId": video, "durationSeconds": 86_401 } }),
            "INVALID_INPUT input.content.video.durationSeconds",
        ),
        (
            json!({ "picture": { "mediaId": picture, "localPath": "x".repeat(501) } }),
            "TOO_LONG input.content.picture.localPath",
        ),
        (
            json!({ "picture": { "mediaId": picture, "localPath": "a\u{0}" } }),
            "INVALID_INPUT input.content.picture.localPath",
        ),
        (json!({ "file": { "mediaId": document, "fileName": "" } }), "REQUIRED input.content.file.fileName"),
        (
            json!({ "file": { "mediaId": document, "fileName": "x".repeat(201) } }),
            "TOO_LONG input.content.file.fileName",
        ),
        (json!({ "file": { "mediaId": document, "fileName": "a\nb" } }), "INVALID_INPUT input.content.file.fileName"),
        (json!({ "location": { "coordinates": at(180.1, 0.0) } }), "INVALID_INPUT input.content.location.coordinates"),
        (json!({ "location": { "coordinates": at(0.0, -90.1) } }), "INVALID_INPUT input.content.location.coordinates"),
        (named("name", " "), "REQUIRED input.content.location.name"),
        (named("name", &"x".repeat(101)), "TOO_LONG input.content.location.name"),
        (named("address", "a\nb"), "INVALID_INPUT input.content.location.address"),
        (named("address", &"x".repeat(201)), "TOO_LONG input.content.location.address"),
        (json!({ "text": { "text": "" } }), "INVALID_INPUT input.content.text.text"),
    ];
    for (content, expected) in cases {
        let payload = send_content(&ada, &user(&bo), &content, json!({})).await;
        assert_eq!(
            (user_errors(&payload), &payload["message"]),
            (vec![expected.to_owned()], &Value::Null),
            "{content}"
        );
    }
    for content in [
        json!({}),
        json!({ "text": { "text": "x" }, "picture": { "mediaId": picture } }),
        json!({ "picture": null }),
        json!({ "picture": {} }),
    ] {
        let input = json!({ "to": user(&bo), "content": content });
        let document = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
        assert_eq!(ada.run(document, json!({ "input": input })).await.code(), "BAD_USER_INPUT", "{content}");
    }
    for table in ["conversations", "messages", "outbox", "events"] {
        assert_eq!(app.query_number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
}

/// One key is one message: with the same file, and still when the file is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_stands_for_the_file_as_well() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    let content = json!({ "picture": { "mediaId": uploads.picture["id"], "localPath": "/a" } });
    let key = json!({ "clientMessageId": "k" });
    let first = send_content(&ada, &user(&bo), &content, key.clone()).await;
    let again = send_content(&ada, &user(&bo), &content, key.clone()).await;
    assert_eq!((&first["deduplicated"], &again["deduplicated"]), (&json!(false), &json!(true)));
    assert_eq!(first["message"], again["message"]);
    for other in [
        json!({ "picture": { "mediaId": uploads.picture["id"] } }),
        json!({ "file": { "mediaId": uploads.picture["id"], "localPath": "/a" } }),
    ] {
        let refused = send_content(&ada, &user(&bo), &other, key.clone()).await;
        assert_eq!(user_errors(&refused), ["IDEMPOTENCY_MISMATCH input.clientMessageId"]);
    }
    // A private one is another message.
    let private = json!({ "clientMessageId": "k", "isPrivate": true });
    assert_eq!(
        user_errors(&send_content(&ada, &user(&bo), &content, private).await),
        ["IDEMPOTENCY_MISMATCH input.clientMessageId"]
    );
    let revoke = "update messages set status = 'REVOKED', content = null, media_id = null";
    app.sql().await.batch_execute(revoke).await.unwrap();
    assert_eq!(ada.delete_file(&uploads.picture["id"]).await["userErrors"], json!([]));
    let late = send_content(&ada, &user(&bo), &content, key).await;
    assert_eq!((&late["deduplicated"], &late["message"]["content"]), (&json!(true), &Value::Null));
    assert_eq!(app.query_number("select count(*) from messages").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_can_be_private_and_are_never_edited() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    for (content, _) in uploads.contents() {
        let payload = send_content(&ada, &user(&bo), &content, json!({ "isPrivate": true })).await;
        assert_eq!(payload["message"]["isPrivate"], true);
        let edited = ada.data(EDIT, json!({ "id": payload["message"]["id"] })).await["editMessage"].clone();
        assert_eq!(user_errors(&edited), ["FORBIDDEN id"], "there are no words to edit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_stays_while_a_message_shows_it() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    let id = &uploads.picture["id"];
    for content in [json!({ "picture": { "mediaId": id } }), json!({ "file": { "mediaId": id } })] {
        send_ok(&ada, &user(&bo), &content).await;
    }
    assert_eq!(user_errors(&ada.delete_file(id).await), ["CONFLICT id"]);
    let sql = app.sql().await;
    let revoke = "update messages set status = 'REVOKED', content = null, media_id = null where seq = ";
    sql.batch_execute(&format!("{revoke} 1")).await.unwrap();
    assert_eq!(user_errors(&ada.delete_file(id).await), ["CONFLICT id"], "one message shows it still");
    sql.batch_execute(&format!("{revoke} 2")).await.unwrap();
    assert_eq!(user_errors(&ada.delete_file(id).await), [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// Files that others see stay with the messages; those in notes to oneself go.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_leaves_the_files_that_others_see() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let Uploads { picture, voice, .. } = Uploads::of(&ada).await;
    send_ok(&ada, &user(&bo), &json!({ "picture": { "mediaId": picture["id"] } })).await;
    send_ok(&ada, &user(&ada), &json!({ "voice": { "mediaId": voice["id"] } })).await;
    send_ok(&ada, &user(&ada), &json!({ "text": { "text": "milk" } })).await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { userErrors { code } } }";
    assert_eq!(ada.data(leave, json!({ "id": ada.id })).await["deleteUser"]["userErrors"], json!([]));
    assert_eq!(app.query_number("select count(*) from media where owner_id = 1").await, 1, "the one that bo sees");
    let list =
        format!("query ($id: ID!) {{ conversationWith(userId: $id) {{ messages {{ nodes {{ {CONTENT} }} }} }} }}");
    let shown = bo.data(&list, json!({ "id": ada.id })).await["conversationWith"]["messages"]["nodes"].clone();
    assert_eq!(shown[0]["content"]["url"], picture["url"]);
    assert_eq!(app.fetch(&picture["url"]).await.0, 200);
    let gone = "select count(*) from messages where status = 'DELETED' and media_id is null and type = 'VOICE'";
    assert_eq!(app.query_number(gone).await, 1);
    assert_eq!(app.audit().await, [""; 0]);
}

/// A text costs what it did; a file one look more, and nothing for each subscriber.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_costs_its_sender_one_statement() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploads = Uploads::of(&ada).await;
    ada.send_message(&bo, "first").await;
    let to = json!({ "conversationId": plaza::ids::ConversationId(1).global() });
    let text = json!({ "text": { "text": "words" } });
    let picture = json!({ "picture": { "mediaId": uploads.picture["id"], "localPath": "/a" } });
    let mut costs = Vec::new();
    for content in [&text, &picture] {
        costs.push(app.count_statements(send_ok(&ada, &to, content)).await.1);
    }
    assert_eq!(costs, [1, 2]);
    let receive = format!("subscription {{ messageReceived {{ message {{ seq sender {{ username }} {CONTENT} }} }} }}");
    let mut sockets = Vec::new();
    for person in [&ada, &bo, &bo, &bo] {
        let mut socket = person.socket().await;
        socket.subscribe_live(&app, &receive, json!({})).await;
        sockets.push(socket);
    }
    let mut costs = Vec::new();
    for content in [&text, &picture] {
        let heard = async {
            send_ok(&ada, &to, content).await;
            for socket in &mut sockets {
                socket.next().await;
            }
        };
        costs.push(app.count_statements(heard).await.1);
    }
    assert_eq!(costs[1], costs[0] + 1, "{costs:?}");
}
