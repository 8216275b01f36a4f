//! Who runs beside whom: most scenarios keep to their namespace and run beside each other (`--test-threads`), some change what all share.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static CLUSTER: RwLock<()> = RwLock::new(());

/// A scenario that keeps to its own namespaces: it runs beside others of its kind as long as the guard lives.
pub fn beside_others() -> RwLockReadGuard<'static, ()> {
    CLUSTER.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A scenario that harms or replaces what all share (the operator, the kubelet, the gateway): nothing runs beside it.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
