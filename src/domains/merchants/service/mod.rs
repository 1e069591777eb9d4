//! Use cases of merchants: finding and changing them here; [`members`], activation [`codes`], and what follows from a
//! [`departure`], apart.

pub mod codes;
pub mod departure;
pub mod members;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;

use super::model::{
    CreateMerchant, JoinedMerchant, Merchant, MerchantChanges, MerchantError, MerchantFilter, NewMerchant,
    UpdateMerchant,
};
use super::{policy, store};
use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::db::violated_constraint;
use crate::domains::accounts::service::{load_details, lock_person_shared, lock_viewer_shared};
use crate::domains::media::model::MediaError;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::domains::{media, relations, search};
use crate::error::{AppError, AppResult};
use crate::events::model::NewEvent;
use crate::events::{EventKind, Topic};
use crate::ids::{MerchantId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::rate_limit;
use crate::scope::Scope;
use crate::validation::DomainError;

/// A merchant that is held, with the viewer.
struct HeldMerchant {
    viewer: UserId,
    merchant: Merchant,
}

/// Holds the viewer's account and a merchant.
async fn lock_merchant(scope: &Scope, conn: &AsyncPgConnection, id: MerchantId, path: &str) -> AppResult<HeldMerchant> {
    let viewer = lock_viewer_shared(scope, conn).await?;
    let merchant = store::lock_merchant(conn, id).await?.ok_or_else(|| MerchantError::NoSuchMerchant.at(path))?;
    Ok(HeldMerchant { viewer, merchant })
}

impl HeldMerchant {
    /// Changes it; those whom it concerns are told.
    async fn change(&self, scope: &Scope, conn: &AsyncPgConnection, changes: MerchantChanges) -> AppResult<Merchant> {
        let changes = MerchantChanges { updated_at: Some(scope.app.clock.now()), ..changes };
        let merchant = store::update_merchant(conn, self.merchant.id, &changes).await.map_err(gone)?;
        tell(scope, conn, &merchant, Some(&self.merchant)).await?;
        Ok(merchant)
    }
}

/// A picture that was there a moment ago.
fn gone(error: diesel::result::Error) -> AppError {
    match violated_constraint(&error) {
        Some("merchants_icon_id_fkey") => MediaError::NoSuchFile.at("input.iconId").into(),
        _ => error.into(),
    }
}

/// Records that a merchant changed for its owner and its contact, and for those who were that before.
async fn tell(
    scope: &Scope,
    conn: &AsyncPgConnection,
    merchant: &Merchant,
    before: Option<&Merchant>,
) -> AppResult<()> {
    let concerned: BTreeSet<UserId> =
        before.into_iter().chain([merchant]).flat_map(|merchant| [merchant.owner_id, merchant.contact_id]).collect();
    let event = |user: UserId| NewEvent {
        subject_id: Some(merchant.id.0),
        ..NewEvent::new(EventKind::MerchantChanged, Topic::user(user))
    };
    scope.record(conn, &concerned.into_iter().map(event).collect::<Vec<_>>()).await
}

/// Whether an owner can name a user, as the contact or the next owner: neither blocks the other, and the user is not suspended.
async fn can_be_named(scope: &Scope, conn: &AsyncPgConnection, owner: UserId, user: UserId) -> AppResult<bool> {
    let details = load_details(conn, &[user]).await?.remove(&user);
    let is_suspended = details.is_none_or(|details| details.0.is_suspended(scope.app.clock.now()));
    Ok(!is_suspended && !do_block(conn, owner, user).await?)
}

/// Whether one of two users blocks the other.
async fn do_block(conn: &AsyncPgConnection, user: UserId, other: UserId) -> AppResult<bool> {
    Ok(!relations::service::list_blocks_among(conn, user, &[other]).await?.is_empty())
}

/// Holds the account of a user who is to be the contact of a merchant of the viewer's.
async fn lock_contact(scope: &Scope, conn: &AsyncPgConnection, viewer: UserId, contact: UserId) -> AppResult<()> {
    const PATH: &str = "input.customerServiceId";
    if contact == viewer {
        return Ok(());
    }
    if !lock_person_shared(conn, contact).await? {
        return Err(MerchantError::NoSuchUser.at(PATH).into());
    }
    if can_be_named(scope, conn, viewer, contact).await? {
        Ok(())
    } else {
        Err(MerchantError::NotTaken.at(PATH).into())
    }
}

/// Makes a merchant of the viewer's with an activation code; its contact is told.
///
/// # Errors
/// What is wrong with the input; `ACTIVATION_CODE_INVALID`, `ACTIVATION_CODE_USED`; `NOT_FOUND` and `FILE_TYPE_NOT_ALLOWED` for
/// what is no picture of theirs; `NOT_FOUND` and `FORBIDDEN` for the contact; `RATE_LIMITED`.
pub async fn create(scope: &Scope, draft: CreateMerchant) -> AppResult<JoinedMerchant> {
    let viewer = scope.viewer()?.user_id;
    policy::validate_create(&draft).map_err(AppError::User)?;
    let CreateMerchant { activation_code, name, icon, contact } = draft;
    let path = "input.activationCode";
    let code = policy::parse_code(&activation_code).map_err(|error| error.at(path))?;
    media::service::check_picture(scope, &[viewer], icon, "input.iconId").await?;
    let now = scope.app.clock.now();
    let rate = scope.app.config.rates.creations;
    let buckets = rate_limit::viewer_buckets(scope.requester(), "merchants", rate, TimeDelta::hours(1))?;
    // Counted before it is tried, as codes that are none are tries as well.
    scope.transaction(async |conn| rate_limit::consume(conn, &buckets, now).await).await?;
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_shared(scope, conn).await?;
            lock_contact(scope, conn, viewer, contact).await?;
            let code = store::codes::lock_code(conn, &code).await?;
            policy::check_code(code.as_ref(), now).map_err(|error| error.at(path))?;
            let code = code.ok_or_else(|| MerchantError::CodeInvalid.at(path))?;
            let new = NewMerchant {
                name: name.trim().to_owned(),
                icon_id: icon,
                owner_id: viewer,
                contact_id: contact,
                member_count: 1,
                created_at: now,
                updated_at: now,
            };
            let merchant = store::insert_merchant(conn, &new).await.map_err(gone)?;
            store::codes::use_code(conn, code.id, merchant.id).await?;
            let membership = store::members::insert_membership(conn, merchant.id, viewer, now).await?;
            search::service::index(conn, &merchant).await?;
            tell(scope, conn, &merchant, None).await?;
            Ok(JoinedMerchant { merchant, membership })
        })
        .await
}

/// Changes what a merchant is, and its contact.
///
/// # Errors
/// What is wrong with the input; `NOT_FOUND`, also for what is no picture of the viewer's and for the contact; `FORBIDDEN`;
/// `RATE_LIMITED` for naming other contacts too often.
pub async fn update(scope: &Scope, id: MerchantId, update: UpdateMerchant) -> AppResult<JoinedMerchant> {
    let viewer = scope.viewer()?.user_id;
    let changes = policy::validate_update(update).map_err(AppError::User)?;
    let present = store::list_by_ids(&*scope.db.read().await?, &[id]).await?.pop();
    let present = present.ok_or_else(|| MerchantError::NoSuchMerchant.at("id"))?;
    policy::check_owner(&present, viewer).map_err(|error| error.at("id"))?;
    // What is as it was is no change: a client may send all fields, and an owner who got the merchant keeps its picture.
    let changes = policy::without_repeated(changes, &present);
    if let Some(icon) = changes.icon_id {
        media::service::check_picture(scope, &[viewer], icon, "input.iconId").await?;
    }
    let now = scope.app.clock.now();
    let rate = scope.app.config.rates.creations;
    let buckets = rate_limit::viewer_buckets(scope.requester(), "merchant contacts", rate, TimeDelta::hours(1))?;
    scope
        .transaction(async |conn| {
            let viewer = lock_viewer_shared(scope, conn).await?;
            if let Some(contact) = changes.contact_id {
                lock_contact(scope, conn, viewer, contact).await?;
                rate_limit::consume(conn, &buckets, now).await?;
            }
            let held = lock_merchant(scope, conn, id, "id").await?;
            policy::check_owner(&held.merchant, viewer).map_err(|error| error.at("id"))?;
            let membership = store::members::find_membership(conn, id, viewer).await?;
            if policy::changes_nothing(&changes) {
                return Ok(JoinedMerchant { merchant: held.merchant, membership });
            }
            let merchant = held.change(scope, conn, changes.clone()).await?;
            if changes.name.is_some() {
                search::service::index(conn, &merchant).await?;
            }
            Ok(JoinedMerchant { merchant, membership })
        })
        .await
}

/// Gives a merchant of the viewer's to another member. Who blocks the new owner, or whom they block, does not stay its contact.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, also for a member who can't be named; `SELF_TARGET`; `NOT_MEMBER` for a user who is none.
pub async fn transfer(scope: &Scope, id: MerchantId, to: UserId) -> AppResult<JoinedMerchant> {
    scope
        .transaction(async |conn| {
            // Accounts are held before merchants; a user who left is no member.
            lock_person_shared(conn, to).await?;
            let held = lock_merchant(scope, conn, id, "merchantId").await?;
            policy::check_owner(&held.merchant, held.viewer).map_err(|error| error.at("merchantId"))?;
            if to == held.viewer {
                return Err(MerchantError::SelfTarget.at("toUserId").into());
            }
            let heir = store::members::find_membership(conn, id, to).await?;
            heir.ok_or_else(|| MerchantError::NotJoined.at("toUserId"))?;
            if !can_be_named(scope, conn, held.viewer, to).await? {
                return Err(MerchantError::NotTaken.at("toUserId").into());
            }
            let contact = held.merchant.contact_id;
            let contact_id = if do_block(conn, to, contact).await? { Some(to) } else { None };
            let changes = MerchantChanges { owner_id: Some(to), contact_id, ..MerchantChanges::default() };
            let merchant = held.change(scope, conn, changes).await?;
            let membership = store::members::find_membership(conn, id, held.viewer).await?;
            Ok(JoinedMerchant { merchant, membership })
        })
        .await
}

/// Resigns as the contact of a merchant: the owner is its contact then.
///
/// # Errors
/// `NOT_FOUND`; `FORBIDDEN` to those who are not the contact, and to the owner.
pub async fn resign(scope: &Scope, id: MerchantId) -> AppResult<JoinedMerchant> {
    scope
        .transaction(async |conn| {
            let held = lock_merchant(scope, conn, id, "merchantId").await?;
            policy::check_resign(&held.merchant, held.viewer).map_err(|error| error.at("merchantId"))?;
            let changes = MerchantChanges { contact_id: Some(held.merchant.owner_id), ..MerchantChanges::default() };
            let merchant = held.change(scope, conn, changes).await?;
            let membership = store::members::find_membership(conn, id, held.viewer).await?;
            Ok(JoinedMerchant { merchant, membership })
        })
        .await
}

/// Holds a merchant that a user is to own, against changes, within the caller's transaction.
///
/// # Errors
/// `NOT_FOUND`, `FORBIDDEN`, at a path.
pub async fn lock_owned(conn: &AsyncPgConnection, id: MerchantId, owner: UserId, path: &str) -> AppResult<()> {
    let merchant = store::lock_shared(conn, id).await?.ok_or_else(|| MerchantError::NoSuchMerchant.at(path))?;
    Ok(policy::check_owner(&merchant, owner).map_err(|error| error.at(path))?)
}

/// Merchants by id, without those that were closed.
///
/// # Errors
/// When the database fails.
pub async fn load_merchants(
    conn: &AsyncPgConnection,
    ids: &[MerchantId],
) -> AppResult<HashMap<MerchantId, Arc<Merchant>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::list_by_ids(conn, ids).await?;
    Ok(found.into_iter().map(|merchant| (merchant.id, Arc::new(merchant))).collect())
}

/// The merchants with these ids that can be found, for search.
///
/// # Errors
/// When the database fails.
pub async fn list_findable(conn: &AsyncPgConnection, ids: &[MerchantId]) -> AppResult<Vec<Merchant>> {
    Ok(store::list_by_ids(conn, ids).await?)
}

/// A list of merchants whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct MerchantListQuery {
    filter: MerchantFilter,
}

impl MerchantListQuery {
    /// A list with this filter.
    #[must_use]
    pub fn new(MerchantFilter { query, joined }: MerchantFilter) -> Self {
        Self { filter: MerchantFilter { query: asked(query), joined } }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        args.request(serde_json::to_string(&("merchants", &self.filter)).unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        search::service::terms_of_list(scope, self.filter.query.as_deref(), &[SearchKind::Merchant]).await
    }

    fn conditions(&self, scope: &Scope) -> AppResult<store::MerchantConditions> {
        let joined = self.filter.joined.map(|joined| Ok::<_, AppError>((scope.viewer()?.user_id, joined)));
        Ok(store::MerchantConditions { joined: joined.transpose()? })
    }
}

/// A page of merchants, the newest first.
///
/// # Errors
/// Bad input; unauthenticated without a token for those that the viewer has joined, or not.
pub async fn list_merchants(
    scope: &Scope,
    list: &MerchantListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Merchant>> {
    let conditions = list.conditions(scope)?;
    let rows = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let cut = Keyset::new(store::COLUMN, !page.backward, page.cursor.clone(), page.limit())?;
            store::list_merchants(&*scope.db.read().await?, &conditions, terms.as_ref(), cut).await?
        }
    };
    Ok(page.page(rows, |merchant| (KeyValue::Number(merchant.created_at.timestamp_micros()), merchant.id.0)))
}

/// How many merchants there are, up to a bound.
///
/// # Errors
/// As [`list_merchants`].
pub async fn count_merchants(scope: &Scope, list: &MerchantListQuery, bound: i64) -> AppResult<i64> {
    let conditions = list.conditions(scope)?;
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => {
            Ok(store::count_merchants(&*scope.db.read_long().await?, &conditions, terms.as_ref(), bound).await?)
        }
    }
}
