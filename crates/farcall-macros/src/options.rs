//! The arguments of `#[job]` that say how a job is kept, tried again, limited and shown.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Expr, ExprLit, ExprUnary, Lit, LitStr, Meta, MetaNameValue, Path, Token, UnOp,
    punctuated::Punctuated,
};

use crate::{
    args::{duration, duration_expression, flag, text, value},
    faults::Faults,
    nearest::suggestion,
};

/// As `farcall_core::job::MAX_RETRIES`.
const MAX_RETRIES: i64 = 100;

/// As `farcall_core::job::MAX_PRIORITY`.
const MAX_PRIORITY: i64 = 10;

/// The argument `name`, as an expression of the field of the same name in
/// `farcall_core::job::JobOptions`; `core` is where that crate is found.
pub(crate) fn read(
    name: &str,
    meta: &Meta,
    core: &Path,
    faults: &mut Faults,
) -> Option<TokenStream> {
    match name {
        "keep_for" => time(name, meta, "7d", faults),
        "retry_delay" => time(name, meta, "2s", faults),
        "timeout" => time(name, meta, "2h", faults).map(some),
        "queue_timeout" => time(name, meta, "10m", faults).map(some),
        "unique_for" => time(name, meta, "15s", faults).map(some),
        "retries" => number(name, meta, 0, MAX_RETRIES, faults),
        "priority" => number(name, meta, -MAX_PRIORITY, MAX_PRIORITY, faults),
        "concurrency" => number(name, meta, 1, u32::MAX.into(), faults).map(some),
        "cancel" | "log" | "wait" | "inline_text" => {
            flag(name, meta, faults).map(ToTokens::into_token_stream)
        }
        "on_lost" => on_lost(meta, core, faults),
        "slots" => slots(meta, faults),
        "expose" => expose(meta, core, faults),
        "isolation" => isolation(meta, core, faults),
        "memory" => size(name, meta, faults).map(some),
        _ => unreachable!("the name is one of the known options"),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map` takes")]
fn some(value: TokenStream) -> TokenStream {
    quote!(::core::option::Option::Some(#value))
}

fn time(name: &str, meta: &Meta, example: &str, faults: &mut Faults) -> Option<TokenStream> {
    duration(name, meta, example, faults).map(duration_expression)
}

/// A whole number from `least` to `most`.
fn number(
    name: &str,
    meta: &Meta,
    least: i64,
    most: i64,
    faults: &mut Faults,
) -> Option<TokenStream> {
    let range = if most == i64::from(u32::MAX) {
        format!("{least} or more")
    } else {
        format!("from {least} to {most}")
    };
    let found = value(meta).and_then(whole);
    if let Some(number) = found.filter(|number| (least..=most).contains(number)) {
        let number = proc_macro2::Literal::i64_unsuffixed(number);
        return Some(quote!(#number));
    }
    let sentence = format!("`{name}` is a whole number, {range}");
    faults.add(meta, sentence, format!("write `{name} = {}`", least.max(1)));
    None
}

fn whole(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Int(number),
            ..
        }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => whole(expr).map(|number| -number),
        _ => None,
    }
}

fn on_lost(meta: &Meta, core: &Path, faults: &mut Faults) -> Option<TokenStream> {
    let chosen = text("on_lost", meta, faults)?;
    match chosen.value().as_str() {
        "rerun" => Some(quote!(#core::job::OnLost::Rerun)),
        "fail" => Some(quote!(#core::job::OnLost::Fail)),
        other => {
            let sentence = format!("a lost job cannot `{}`", other.escape_debug());
            faults.add(&chosen, sentence, suggestion(other, &["rerun", "fail"]));
            None
        }
    }
}

fn isolation(meta: &Meta, core: &Path, faults: &mut Faults) -> Option<TokenStream> {
    let chosen = text("isolation", meta, faults)?;
    match chosen.value().as_str() {
        "in_process" => Some(quote!(#core::job::Isolation::InProcess)),
        "process" => Some(quote!(#core::job::Isolation::Process)),
        other => {
            let sentence = format!("a job cannot run in `{}`", other.escape_debug());
            let hint = suggestion(other, &["in_process", "process"]);
            faults.add(&chosen, sentence, hint);
            None
        }
    }
}

/// A number of bytes, as `512MiB`.
fn size(name: &str, meta: &Meta, faults: &mut Faults) -> Option<TokenStream> {
    const UNITS: [(&str, u64); 4] = [
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let chosen = text(name, meta, faults)?;
    let written = chosen.value();
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = written.split_at(digits);
    let bytes = UNITS.iter().find(|(known, _)| *known == unit);
    let bytes = bytes.and_then(|(_, bytes)| number.parse::<u64>().ok()?.checked_mul(*bytes));
    if let Some(bytes) = bytes.filter(|bytes| *bytes > 0) {
        return Some(quote!(#bytes));
    }
    let sentence = format!(
        "`{}` is no size, which is a whole number and one of `B`, `KiB`, `MiB`, `GiB`",
        written.escape_debug()
    );
    faults.add(&chosen, sentence, format!("write `{name} = \"512MiB\"`"));
    None
}

fn slots(meta: &Meta, faults: &mut Faults) -> Option<TokenStream> {
    const HINT: &str = "write `slots(gpu = 1)`";
    let parse = Punctuated::<MetaNameValue, Token![,]>::parse_terminated;
    let list = match meta {
        Meta::List(list) => list.parse_args_with(parse).ok(),
        _ => None,
    };
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        faults.add(meta, "`slots` is a list of names with numbers", HINT);
        return None;
    };
    let mut pairs = Vec::new();
    for slot in &list {
        let name = slot.path.to_token_stream().to_string();
        if !is_slot_name(&name) {
            let sentence = format!("`{name}` is no name of a slot");
            faults.add(&slot.path, sentence, "use a-z, 0-9 and `_`, a letter first");
        } else if pairs.iter().any(|(other, _)| *other == name) {
            let sentence = format!("the slot `{name}` is given twice");
            faults.add(&slot.path, sentence, "remove one of them");
        } else if let Some(count) = count(&slot.value) {
            pairs.push((name, count));
        } else {
            let sentence = format!("`{name}` is a whole number, 1 or more");
            faults.add(&slot.value, sentence, HINT);
        }
    }
    let pairs = pairs
        .iter()
        .map(|(name, count)| quote!((::std::string::String::from(#name), #count)));
    Some(quote!(::core::iter::FromIterator::from_iter([#(#pairs),*])))
}

fn count(expression: &Expr) -> Option<u32> {
    let count = whole(expression)?;
    u32::try_from(count).ok().filter(|count| *count > 0)
}

/// As `farcall_core::job::is_slot_name`.
fn is_slot_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

fn expose(meta: &Meta, core: &Path, faults: &mut Faults) -> Option<TokenStream> {
    let parse = Punctuated::<LitStr, Token![,]>::parse_terminated;
    let list = match meta {
        Meta::List(list) => list.parse_args_with(parse).ok(),
        _ => None,
    };
    let Some(list) = list.filter(|list| !list.is_empty()) else {
        let sentence = "`expose` is a list of texts";
        faults.add(meta, sentence, "write `expose(\"contract\", \"task\")`");
        return None;
    };
    let (mut contract, mut task) = (false, false);
    for form in &list {
        match form.value().as_str() {
            "contract" => contract = true,
            "task" => task = true,
            other => {
                let sentence = format!("a job cannot be exposed as `{}`", other.escape_debug());
                faults.add(form, sentence, suggestion(other, &["contract", "task"]));
            }
        }
    }
    Some(match (contract, task) {
        (_, false) => quote!(#core::job::Expose::Contract),
        (true, true) => quote!(#core::job::Expose::ContractAndTask),
        (false, true) => quote!(#core::job::Expose::Task),
    })
}

#[cfg(test)]
mod tests {
    use farcall_core::job;

    use super::*;

    #[test]
    fn the_limits_are_the_core_s() {
        assert_eq!(MAX_RETRIES, i64::from(job::MAX_RETRIES));
        assert_eq!(MAX_PRIORITY, i64::from(job::MAX_PRIORITY));
        for name in ["gpu", "ram_gb", "g1", "", "GPU", "1g", "_g", "g-1", "gpü"] {
            assert_eq!(is_slot_name(name), job::is_slot_name(name), "{name}");
        }
    }
}
