//! Log entries of tools on their way to clients.

#![expect(
    deprecated,
    reason = "deprecated in the protocol (SEP-2577), and still part of it"
)]

use farcall_core::context::LogLevel;
use rmcp::model::{
    LoggingLevel, LoggingMessageNotification, LoggingMessageNotificationParam, RequestMetaObject,
    SetLevelRequestParams,
};
use serde_json::Value;

use super::client::Outlet;

/// The lightest entries that a client of 2026-07-28 wants, where it wants any.
pub(super) fn wanted(meta: &RequestMetaObject) -> Option<LogLevel> {
    meta.log_level().map(from_protocol)
}

/// The lightest entries that the client of a session asked for.
pub(super) fn chosen(params: &SetLevelRequestParams) -> LogLevel {
    from_protocol(params.level)
}

/// Sends one entry.
pub(super) async fn send(outlet: Outlet, level: LogLevel, logger: Option<String>, data: Value) {
    let mut entry = LoggingMessageNotificationParam::new(to_protocol(level), data);
    entry.logger = logger;
    outlet
        .send(LoggingMessageNotification::new(entry).into())
        .await;
}

/// A level as this library names it.
fn from_protocol(level: LoggingLevel) -> LogLevel {
    match level {
        LoggingLevel::Debug => LogLevel::Debug,
        LoggingLevel::Info => LogLevel::Info,
        LoggingLevel::Notice => LogLevel::Notice,
        LoggingLevel::Warning => LogLevel::Warning,
        LoggingLevel::Error => LogLevel::Error,
        LoggingLevel::Critical => LogLevel::Critical,
        LoggingLevel::Alert => LogLevel::Alert,
        LoggingLevel::Emergency => LogLevel::Emergency,
    }
}

/// A level as the SDK names it.
fn to_protocol(level: LogLevel) -> LoggingLevel {
    match level {
        LogLevel::Debug => LoggingLevel::Debug,
        LogLevel::Info => LoggingLevel::Info,
        LogLevel::Notice => LoggingLevel::Notice,
        LogLevel::Warning => LoggingLevel::Warning,
        LogLevel::Error => LoggingLevel::Error,
        LogLevel::Critical => LoggingLevel::Critical,
        LogLevel::Alert => LoggingLevel::Alert,
        LogLevel::Emergency => LoggingLevel::Emergency,
    }
}
