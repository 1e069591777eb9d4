//! The JSON of values, where an object that was resolved to JSON is written as it is.

use async_graphql::Value;
use serde::Serialize;

/// Writes a value.
pub fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(true) => out.extend_from_slice(b"true"),
        Value::Boolean(false) => out.extend_from_slice(b"false"),
        Value::Binary(json) => out.extend_from_slice(json),
        Value::String(text) => write_text(out, text),
        Value::Enum(name) => write_text(out, name),
        Value::Number(number) => write(out, number),
        Value::List(values) => {
            out.push(b'[');
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_value(out, value);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (n, (key, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                write_text(out, key);
                out.push(b':');
                write_value(out, value);
            }
            out.push(b'}');
        }
    }
}

/// Writes a response key, which needs no escapes, and its colon.
pub fn write_key(out: &mut Vec<u8>, key: &str) {
    out.push(b'"');
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Writes a text.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    // Without an early end, so that many bytes are compared at once.
    let is_escaped = |byte: u8| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if text.bytes().fold(0, |found, byte| found | is_escaped(byte)) != 0 {
        return write(out, text);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Writes what serde knows.
pub fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, nor do texts and numbers.
    serde_json::to_writer(out, value).ok();
}

/// Writes a member of an object that is open, with the comma before it if it is not the first.
pub fn write_member<T: Serialize + ?Sized>(out: &mut Vec<u8>, key: &str, value: &T) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    write_key(out, key);
    write(out, value);
}
