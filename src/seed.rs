//! Demo data: a few people who have talked, so that the first query has something to show.

use std::sync::Arc;

use crate::app::App;
use crate::auth::{Requester, Viewer};
use crate::domains::accounts::model::{Device, Platform, Registration, SignedIn};
use crate::domains::accounts::service as accounts;
use crate::domains::chat::model::{Content, Draft, Target};
use crate::domains::chat::service::send;
use crate::error::{AppError, AppResult};
use crate::scope::Scope;

/// Everybody's password in the demo data.
pub const PASSWORD: &str = "plaza-demo";

const PEOPLE: &[(&str, &str)] = &[("ada", "Ada"), ("xiaoming", "小明"), ("lan", "兰姐"), ("bo", "Bo")];

/// Who says what to whom, by their place in [`PEOPLE`].
const TALK: &[(usize, usize, &str)] = &[
    (1, 0, "你好，充电宝还在吗？"),
    (0, 1, "在的，九成新，下午可以来取。"),
    (1, 0, "好，三点图书馆门口见！"),
    (2, 0, "明天能帮我取个快递吗？有偿。"),
    (3, 0, "Is the bike still for sale?"),
    (0, 3, "Yes, come and have a look."),
    (2, 1, "周末的羽毛球还差一个人，来不来？"),
];

/// Adds the demo data to a database without people; otherwise does nothing. True when it was added.
///
/// # Errors
/// When the database fails.
pub async fn demo_once(app: &Arc<App>) -> AppResult<bool> {
    if accounts::any_user(app).await? {
        return Ok(false);
    }
    let mut people: Vec<SignedIn> = Vec::new();
    for (username, nickname) in PEOPLE {
        let scope = Scope::new(Arc::clone(app), Requester::anonymous());
        let registration = Registration {
            username: Some((*username).to_owned()),
            password: PASSWORD.to_owned(),
            nickname: Some((*nickname).to_owned()),
            device: Device { platform: Platform::Web, name: Some("demo".into()) },
            email: None,
            phone: None,
            email_code: None,
            phone_code: None,
            captcha: None,
        };
        people.push(accounts::registering::register(&scope, registration).await?);
    }
    for (from, to, text) in TALK {
        let (Some(from), Some(to)) = (people.get(*from), people.get(*to)) else { continue };
        let viewer = app.tokens.verify(&from.tokens.access, app.clock.now())?;
        let draft = Draft {
            to: Target::User(to.user.id),
            content: Content::Text { text: (*text).to_owned() },
            is_private: false,
            client_message_id: None,
        };
        send::send_message(&speaking_for(app, viewer), draft).await?;
    }
    tracing::info!(people = people.len(), messages = TALK.len(), "added demo data; every password is {PASSWORD}");
    Ok(true)
}

fn speaking_for(app: &Arc<App>, viewer: Viewer) -> Scope {
    Scope::new(Arc::clone(app), Requester { viewer: Some(viewer), ..Requester::anonymous() })
}

/// Adds the demo data, for the command.
///
/// # Errors
/// When there are people already, or the database fails.
pub async fn demo(app: &Arc<App>) -> AppResult<()> {
    if demo_once(app).await? {
        return Ok(());
    }
    Err(AppError::bad_input("The database has people already; demo data goes into an empty one."))
}
