//! All SQL of one-time codes and captchas.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::db::schema::{image_captchas, one_time_codes, sql_types};
use crate::db::statement;
use crate::domains::accounts::model::CodePurpose;
use crate::domains::accounts::model::code::NewCode;

/// How often a code may be tried, from the network that asked for it and again from elsewhere; constraints hold it as well.
const TRIES: i32 = 10;

/// Stores a code in the place of an earlier one that was asked for from the same network.
pub async fn replace_code(mut conn: &AsyncPgConnection, code: &NewCode<'_>) -> QueryResult<usize> {
    let values = (
        one_time_codes::code_hash.eq(&code.hash),
        one_time_codes::tries.eq(0),
        one_time_codes::tries_elsewhere.eq(0),
        one_time_codes::unasked.eq(code.unasked),
        one_time_codes::created_at.eq(code.created_at),
        one_time_codes::expires_at.eq(code.expires_at),
    );
    let key = (
        one_time_codes::contact.eq(code.contact.as_str()),
        one_time_codes::purpose.eq(code.purpose),
        one_time_codes::asked_from.eq(&code.asked_from),
    );
    diesel::insert_into(one_time_codes::table)
        .values((key, values))
        .on_conflict((one_time_codes::contact, one_time_codes::purpose, one_time_codes::asked_from))
        .do_update()
        .set(values)
        .execute(&mut conn)
        .await
}

statement! {
    /// Counts a try from a network at each code of a contact that has one left.
    struct CountTry<'a> { contact: &'a str, purpose: CodePurpose, from: &'a str } -> (Binary, Timestamptz)
    |this|
    "update one_time_codes set tries = tries + (asked_from = " [Text: this.from] ")::int,
        tries_elsewhere = tries_elsewhere + (asked_from <> " [Text: this.from] ")::int
    where contact = " [Text: this.contact] " and purpose = " [sql_types::CodePurpose: &this.purpose] "
        and case when asked_from = " [Text: this.from] " then tries else tries_elsewhere end < " [Integer: &TRIES] "
    returning code_hash, expires_at"
}

/// Counts a try from a network at each code of a contact and returns what to compare with, and when each ends; none when there
/// is no code, or no try left.
pub async fn count_try(
    mut conn: &AsyncPgConnection,
    contact: &str,
    purpose: CodePurpose,
    from: &str,
) -> QueryResult<Vec<(Vec<u8>, DateTime<Utc>)>> {
    CountTry { contact, purpose, from }.load(&mut conn).await
}

/// Deletes a contact's codes for a purpose, in one statement: two requests lock them in the same order. False when the wanted
/// one was not among them, because another request used it up or it was replaced; the caller's transaction then ends.
pub async fn delete_codes(
    mut conn: &AsyncPgConnection,
    contact: &str,
    purpose: CodePurpose,
    hash: &[u8],
) -> QueryResult<bool> {
    let of_contact = one_time_codes::contact.eq(contact).and(one_time_codes::purpose.eq(purpose));
    let deleted: Vec<Vec<u8>> = diesel::delete(one_time_codes::table.filter(of_contact))
        .returning(one_time_codes::code_hash)
        .load(&mut conn)
        .await?;
    Ok(deleted.iter().any(|deleted| deleted == hash))
}

/// Takes a code that went out unasked, lately, for one that was asked for; false when there is none.
pub async fn claim_unasked(
    mut conn: &AsyncPgConnection,
    contact: &str,
    purpose: CodePurpose,
    since: DateTime<Utc>,
) -> QueryResult<bool> {
    diesel::update(one_time_codes::table)
        .filter(one_time_codes::contact.eq(contact).and(one_time_codes::purpose.eq(purpose)))
        .filter(one_time_codes::unasked.and(one_time_codes::created_at.gt(since)))
        .filter(one_time_codes::tries.lt(TRIES))
        .set(one_time_codes::unasked.eq(false))
        .execute(&mut conn)
        .await
        .map(|changed| changed > 0)
}

/// Deletes all codes of some contacts.
pub async fn delete_codes_of(mut conn: &AsyncPgConnection, contacts: &[String]) -> QueryResult<()> {
    // One after the other: who registers holds two at once.
    for contact in contacts {
        diesel::delete(one_time_codes::table.filter(one_time_codes::contact.eq(contact))).execute(&mut conn).await?;
    }
    Ok(())
}

/// Stores a captcha.
pub async fn insert_captcha(
    mut conn: &AsyncPgConnection,
    key_hash: &[u8],
    purpose: CodePurpose,
    answer_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> QueryResult<usize> {
    diesel::insert_into(image_captchas::table)
        .values((
            image_captchas::key_hash.eq(key_hash),
            image_captchas::purpose.eq(purpose),
            image_captchas::answer_hash.eq(answer_hash),
            image_captchas::expires_at.eq(expires_at),
        ))
        .execute(&mut conn)
        .await
}

/// Uses a captcha up and returns what it was for, its answer's hash, and when it ends.
pub async fn take_captcha(
    mut conn: &AsyncPgConnection,
    key_hash: &[u8],
) -> QueryResult<Option<(CodePurpose, Vec<u8>, DateTime<Utc>)>> {
    diesel::delete(image_captchas::table.find(key_hash))
        .returning((image_captchas::purpose, image_captchas::answer_hash, image_captchas::expires_at))
        .get_result(&mut conn)
        .await
        .optional()
}

/// Deletes codes and captchas that ended before a time.
pub async fn delete_ended(mut conn: &AsyncPgConnection, before: DateTime<Utc>) -> QueryResult<usize> {
    let codes = diesel::delete(one_time_codes::table.filter(one_time_codes::expires_at.lt(before)));
    let captchas = diesel::delete(image_captchas::table.filter(image_captchas::expires_at.lt(before)));
    Ok(codes.execute(&mut conn).await? + captchas.execute(&mut conn).await?)
}
