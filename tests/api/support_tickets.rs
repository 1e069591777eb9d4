//! Tickets: asking, answering, closing; who sees them; words; live.

use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::money::document;
use crate::harness::{Person, TestApp};

async fn ask(person: &Person, question: &str) -> Value {
    person.mutate_ok("createTicket", json!({ "question": question })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_and_closed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (support, admin) = (app.as_role("support", "SUPPORT").await, app.as_role("admin", "ADMIN").await);
    ada.recharge("10").await;
    let product = app.create_product(&admin, "1", 5).await;
    let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    for (question, fault) in
        [(" ", "REQUIRED question"), (&*"x".repeat(2001), "TOO_LONG question"), ("a\u{7}b", "INVALID_INPUT question")]
    {
        assert_eq!(user_errors(&ada.mutate("createTicket", json!({ "question": question })).await), [fault]);
    }
    for (person, id) in [(&bo, order["id"].clone()), (&admin, order["id"].clone()), (&ada, json!("nonsense"))] {
        let variables = json!({ "question": "where?", "orderId": id });
        assert_eq!(user_errors(&person.mutate("createTicket", variables).await), ["NOT_FOUND orderId"]);
    }
    let ticket = ada.mutate_ok("createTicket", json!({ "question": " where?\nwhen? ", "orderId": order["id"] })).await;
    assert_eq!(
        json!([
            ticket["question"],
            ticket["status"],
            ticket["author"]["id"],
            ticket["agent"],
            ticket["answer"],
            ticket["order"]["id"]
        ]),
        json!(["where?\nwhen?", "OPEN", ada.id, null, null, order["id"]])
    );
    let reply = |text: &str| json!({ "id": ticket["id"], "answer": text });
    for person in [&ada, &bo] {
        assert_eq!(person.run(&document("answerTicket"), reply("I")).await.code(), "FORBIDDEN");
    }
    assert_eq!(user_errors(&support.mutate("answerTicket", reply(" ")).await), ["REQUIRED answer"]);
    let answered = support.mutate_ok("answerTicket", reply("tomorrow")).await;
    assert_eq!(
        json!([answered["status"], answered["answer"], answered["agent"]["id"], answered["order"]]),
        json!(["ANSWERED", "tomorrow", support.id, null])
    );
    assert_eq!(admin.mutate_ok("answerTicket", reply("today")).await["agent"]["id"], admin.id);
    let look = "query ($id: ID!) { ticket(id: $id) { answer order { id } } node(id: $id) { id } }";
    for (person, sees) in [(&ada, true), (&support, true), (&admin, true), (&bo, false)] {
        let data = person.data(look, json!({ "id": ticket["id"] })).await;
        assert_eq!((data["ticket"]["answer"] == "today", data["node"].is_object()), (sees, sees));
    }
    assert_eq!(user_errors(&bo.mutate("closeTicket", json!({ "id": ticket["id"] })).await), ["NOT_FOUND id"]);
    assert_eq!(ada.mutate_by_id("closeTicket", &ticket).await["status"], "CLOSED");
    for (person, field, variables) in
        [(&support, "closeTicket", json!({ "id": ticket["id"] })), (&support, "answerTicket", reply("late"))]
    {
        let refused = person.mutate(field, variables).await;
        assert_eq!((codes(&refused), &refused["userErrors"][0]["allowed"]), (vec!["ILLEGAL_TRANSITION"], &json!([])));
    }
    assert_eq!(support.mutate_by_id("closeTicket", &ask(&bo, "never mind").await).await["status"], "CLOSED");
    assert_eq!(
        user_errors(&support.mutate("answerTicket", json!({ "id": "nonsense", "answer": "a" })).await),
        ["NOT_FOUND id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_listed_and_found_by_their_words() {
    let app = TestApp::start().await;
    let (ada, bo, support) =
        (app.as_user("ada").await, app.as_user("bo").await, app.as_role("support", "SUPPORT").await);
    let lost = ask(&ada, "快递丢了 lost parcel").await;
    ask(&bo, "怎么充值").await;
    let login = ask(&ada, "登录不了").await;
    support.mutate_ok("answerTicket", json!({ "id": login["id"], "answer": "请重新充值" })).await;
    support.mutate_by_id("closeTicket", &lost).await;
    let all = "query ($f: TicketFilter) { tickets(filter: $f) { totalCount nodes { question } } }";
    let own = "query ($f: TicketFilter) { viewer { tickets(filter: $f) { totalCount nodes { question } } } }";
    let words = |list: &Value| {
        let nodes = list["nodes"].as_array().unwrap();
        assert_eq!(list["totalCount"], nodes.len());
        nodes
            .iter()
            .map(|node| node["question"].as_str().unwrap().chars().take(2).collect())
            .collect::<Vec<String>>()
            .join(" ")
    };
    for (filter, of_all, of_ada) in [
        (json!({}), "登录 怎么 快递", "登录 快递"),
        (json!({ "status": ["OPEN"] }), "怎么", ""),
        (json!({ "status": ["ANSWERED", "CLOSED"] }), "登录 快递", "登录 快递"),
        (json!({ "query": "充值" }), "登录 怎么", "登录"),
        (json!({ "query": "PARCEL" }), "快递", "快递"),
        (json!({ "query": "--" }), "", ""),
        (json!({ "authorId": bo.id }), "怎么", ""),
        (json!({ "authorId": ada.id, "query": "丢" }), "快递", "快递"),
    ] {
        let variables = json!({ "f": filter });
        assert_eq!(words(&support.data(all, variables.clone()).await["tickets"]), of_all, "{filter}");
        assert_eq!(words(&ada.data(own, variables).await["viewer"]["tickets"]), of_ada, "{filter}");
    }
    assert_eq!(ada.run(all, json!({})).await.code(), "FORBIDDEN");
    assert_eq!(support.run(all, json!({ "f": { "query": "x".repeat(101) } })).await.code(), "BAD_USER_INPUT");
    let page = "query ($a: String) { tickets(first: 2, after: $a) { nodes { question } pageInfo { endCursor } } }";
    let first = support.data(page, json!({})).await["tickets"].clone();
    let next = support.data(page, json!({ "a": first["pageInfo"]["endCursor"] })).await["tickets"].clone();
    assert_eq!(next["nodes"], json!([{ "question": "快递丢了 lost parcel" }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn author_and_support_hear_of_it() {
    const UPDATED: &str = "subscription ($id: ID) { ticketUpdated(ticketId: $id) { question status } }";
    let app = TestApp::start().await;
    let (ada, bo, support) =
        (app.as_user("ada").await, app.as_user("bo").await, app.as_role("support", "SUPPORT").await);
    let (mut at_ada, mut at_bo, mut at_support) = (ada.socket().await, bo.socket().await, support.socket().await);
    for socket in [&mut at_ada, &mut at_bo, &mut at_support] {
        socket.subscribe_live(&app, UPDATED, json!({})).await;
    }
    let ticket = ask(&ada, "why?").await;
    let said = |question: &str, status: &str| json!({ "ticketUpdated": { "question": question, "status": status } });
    assert_eq!((at_ada.next().await, at_support.next().await), (said("why?", "OPEN"), said("why?", "OPEN")));
    support.mutate_ok("answerTicket", json!({ "id": ticket["id"], "answer": "because" })).await;
    assert_eq!((at_ada.next().await, at_support.next().await), (said("why?", "ANSWERED"), said("why?", "ANSWERED")));
    ask(&support, "and I?").await;
    ask(&bo, "how?").await;
    assert_eq!((at_support.next().await, at_support.next().await), (said("and I?", "OPEN"), said("how?", "OPEN")));
    assert_eq!(at_bo.next().await, said("how?", "OPEN"), "the first that bo hears");
}

const LINES: &str = "query ($id: ID!) { ticket(id: $id) { question answer status agent { id }
    lines { isAnswer content author { id } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_said_is_lost() {
    let app = TestApp::start().await;
    let (ada, support, admin) =
        (app.as_user("ada").await, app.as_role("support", "SUPPORT").await, app.as_role("admin", "ADMIN").await);
    let ticket = ask(&ada, "first question").await;
    let reply = |text: &str| json!({ "id": ticket["id"], "answer": text });
    let more = |text: &str| json!({ "id": ticket["id"], "content": text });
    let early = ada.mutate("reopenTicket", more("more")).await;
    assert_eq!((codes(&early), &early["userErrors"][0]["allowed"]), (vec!["ILLEGAL_TRANSITION"], &json!(["CLOSED"])));
    support.mutate_ok("answerTicket", reply("tomorrow")).await;
    admin.mutate_ok("answerTicket", reply("today")).await;
    // A repeat after a lost answer says nothing twice.
    admin.mutate_ok("answerTicket", reply(" today ")).await;
    assert_eq!(user_errors(&support.mutate("reopenTicket", more("I")).await), ["FORBIDDEN id"]);
    assert_eq!(user_errors(&ada.mutate("reopenTicket", more(" ")).await), ["REQUIRED content"]);
    for _ in 0..2 {
        let open = ada.mutate_ok("reopenTicket", more("second qwizzle")).await;
        assert_eq!(json!([open["status"], open["answer"], open["agent"]["id"]]), json!(["OPEN", "today", admin.id]));
    }
    for _ in 0..2 {
        assert_eq!(support.mutate_by_id("closeTicket", &ticket).await["status"], "CLOSED");
    }
    assert_eq!(codes(&ada.mutate("closeTicket", json!({ "id": ticket["id"] })).await), ["ILLEGAL_TRANSITION"]);
    ada.mutate_ok("reopenTicket", more("third question")).await;
    let said = ada.data(LINES, json!({ "id": ticket["id"] })).await["ticket"].clone();
    let line = |person: &Person, is_answer: bool, content: &str| json!({ "isAnswer": is_answer, "content": content, "author": { "id": person.id } });
    let lines = [
        line(&ada, false, "first question"),
        line(&support, true, "tomorrow"),
        line(&admin, true, "today"),
        line(&ada, false, "second qwizzle"),
        line(&ada, false, "third question"),
    ];
    assert_eq!(said["lines"], json!(lines));
    assert_eq!(json!([said["question"], said["answer"]]), json!(["first question", "today"]));
    // All of it is found by its words.
    let found = "query ($q: String) { viewer { tickets(filter: { query: $q }) { totalCount } } }";
    for word in ["first", "tomorrow", "today", "qwizzle", "third"] {
        assert_eq!(ada.data(found, json!({ "q": word })).await["viewer"]["tickets"]["totalCount"], 1, "{word}");
    }
    assert_eq!(
        app.query_number(
            "select count(*) from (select kind from outbox union all select kind from events) told where kind = 'TICKET_CHANGED'"
        )
        .await,
        2 * 6,
        "six changes, told to two each"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_has_an_end_and_is_made_once_for_a_key() {
    let app = TestApp::start().await;
    let (ada, support) = (app.as_user("ada").await, app.as_role("support", "SUPPORT").await);
    let variables = json!({ "question": "why?", "idempotencyKey": "k" });
    let ticket = ada.mutate_ok("createTicket", variables.clone()).await;
    assert_eq!(ada.mutate_ok("createTicket", variables).await["id"], ticket["id"]);
    let other = json!({ "question": "how?", "idempotencyKey": "k" });
    assert_eq!(codes(&ada.mutate("createTicket", other).await), ["IDEMPOTENCY_MISMATCH"]);
    assert_eq!(app.query_number("select count(*) from tickets").await, 1);
    for n in 1..20 {
        support.mutate_ok("answerTicket", json!({ "id": ticket["id"], "answer": format!("answer {n}") })).await;
    }
    let full = support.mutate("answerTicket", json!({ "id": ticket["id"], "answer": "one more" })).await;
    assert_eq!(codes(&full), ["CONFLICT"]);
    assert_eq!(codes(&ada.mutate("reopenTicket", json!({ "id": ticket["id"], "content": "x" })).await), ["CONFLICT"]);
    assert_eq!(support.mutate_by_id("closeTicket", &ticket).await["answer"], "answer 19");
}

#[tokio::test(flavor = "multi_thread")]
async fn support_s_own_question_is_another_one_s_to_answer() {
    let app = TestApp::start().await;
    let (support, other) = (app.as_role("support", "SUPPORT").await, app.as_role("other", "SUPPORT").await);
    let ticket = ask(&support, "why?").await;
    let answer = json!({ "id": ticket["id"], "answer": "because" });
    assert_eq!(user_errors(&support.mutate("answerTicket", answer.clone()).await), ["SELF_TARGET id"]);
    assert_eq!(other.mutate_ok("answerTicket", answer).await["status"], "ANSWERED");
}
