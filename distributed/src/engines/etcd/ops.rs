//! What transactions are made of.

use super::wire::{
    Compare, DeleteRequest, Is, PutRequest, RangeRequest, Request, RequestOp, TxnRequest,
};

/// A key and all that begin with it.
pub(super) fn beginning_with(key: &str) -> (Vec<u8>, Vec<u8>) {
    let mut end = key.as_bytes().to_vec();
    // The keys end with a slash, so there is a next byte.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    (key.into(), end)
}

pub(super) fn range(prefix: &str) -> RequestOp {
    let (key, range_end) = beginning_with(prefix);
    RequestOp { request: Some(Request::Range(RangeRequest { key, range_end })) }
}

pub(super) fn put(key: &str, value: &str, lease: i64) -> RequestOp {
    let put = PutRequest { key: key.into(), value: value.into(), lease };
    RequestOp { request: Some(Request::Put(put)) }
}

pub(super) fn delete(key: &str) -> RequestOp {
    let delete = DeleteRequest { key: key.into(), range_end: Vec::new() };
    RequestOp { request: Some(Request::Delete(delete)) }
}

pub(super) fn delete_all(prefix: &str) -> RequestOp {
    let (key, range_end) = beginning_with(prefix);
    RequestOp { request: Some(Request::Delete(DeleteRequest { key, range_end })) }
}

/// Done if there is no such key.
pub(super) fn if_absent(key: &str, then: RequestOp) -> RequestOp {
    let txn = TxnRequest {
        compare: vec![created(key, Is::Equal, 0)],
        success: vec![then],
        failure: Vec::new(),
    };
    RequestOp { request: Some(Request::Txn(txn)) }
}

/// Whether the key was created then.
pub(super) fn created(key: &str, is: Is, revision: i64) -> Compare {
    Compare {
        result: is.into(),
        target: 1,
        key: key.into(),
        create_revision: Some(revision),
        range_end: Vec::new(),
    }
}

/// Whether each key that begins so was created then. Of none it is as if one was created at 0.
pub(super) fn all_created(prefix: &str, is: Is, revision: i64) -> Compare {
    let (key, range_end) = beginning_with(prefix);
    Compare { result: is.into(), target: 1, key, create_revision: Some(revision), range_end }
}
