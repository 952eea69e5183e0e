//! Why a header is not sent that a hand-off or a flag names.

use super::{CHECK, written};
use crate::{
    client::one_line,
    verbs::doctor::{
        finding::Finding,
        placeholder::{LONGEST, Unknown},
    },
};

/// That `header`, which `origin` names, has no value that can be sent.
pub(super) fn finding(origin: &str, header: &str, why: &Unknown) -> Finding {
    let name = one_line(header);
    match why {
        Unknown::Input(asked) => Finding::unverified(CHECK, format!("`{name}` is what the client asks a person for, `{}`, so it is not sent", one_line(asked)))
            .remedy(format!("give it with {}", written::as_flag(header))),
        Unknown::TooLong => Finding::broken(CHECK, format!("`{name}` of {origin} cannot be sent: with its variables in their places it is longer than {} KiB", LONGEST >> 10))
            .cause("no server takes a head of this length; it names a variable many times, or one that holds a whole file")
            .remedy(format!("have one variable written there, once: {}", written::in_json(header))),
        Unknown::Variable(missing) => {
            let missing = one_line(missing);
            Finding::broken(CHECK, format!("`{missing}` is not set, so `{name}` cannot be sent"))
                .cause(format!("{origin} names it, and neither the environment nor `.env` has it"))
                .remedy(format!("export {missing}, or put it into `.env`; the operator of the server has the value"))
        }
        Unknown::Withheld(variable) => Finding::broken(CHECK, format!("{origin} wants `{}` for a URL that is not the own one; it is not sent", one_line(variable)))
            .cause("that is a secret of servers, or stands in `.env` and is not a consumer's: who wrote the hand-off would get what is kept here")
            .remedy(format!("have a consumer's own variable written there, such as {}, and see where the file comes from", written::in_json(header))),
    }
}
