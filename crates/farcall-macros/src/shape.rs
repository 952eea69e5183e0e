//! What can be seen of a type by its name alone.

use syn::{GenericArgument, PathArguments, PathSegment, Type};

/// A type as JSON has it, as far as its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Float,
    Bool,
    List,
    Map,
    /// A type of the user's own, or an alias: it may be any of the others.
    Unseen,
}

/// The visible shape of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Whether it is an `Option`.
    pub(crate) is_optional: bool,
    /// What it is, or what it is an `Option` of.
    pub(crate) kind: Kind,
}

impl Shape {
    /// The shape of `ty`.
    pub(crate) fn of(ty: &Type) -> Self {
        let inner = option_of(ty);
        Self {
            is_optional: inner.is_some(),
            kind: kind(inner.unwrap_or(ty)),
        }
    }
}

/// The last segment of a type that is a path: `Vec<T>` of `std::vec::Vec<T>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        // A type that came through a `macro_rules!` macro stands in an invisible group.
        Type::Group(group) => last_segment(&group.elem),
        Type::Paren(paren) => last_segment(&paren.elem),
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

fn option_of(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Option")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inner) => Some(inner),
        _ => None,
    })
}

fn kind(ty: &Type) -> Kind {
    if let Type::Array(_) | Type::Slice(_) = ty {
        return Kind::List;
    }
    let Some(segment) = last_segment(ty) else {
        return Kind::Unseen;
    };
    match segment.ident.to_string().as_str() {
        "String" | "PathBuf" | "char" => Kind::Text,
        "bool" => Kind::Bool,
        "f32" | "f64" => Kind::Float,
        "Vec" | "VecDeque" | "HashSet" | "BTreeSet" => Kind::List,
        "HashMap" | "BTreeMap" => Kind::Map,
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
        | "usize" => Kind::Integer,
        _ => Kind::Unseen,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn names_tell_shapes() {
        for (ty, is_optional, kind) in [
            (parse_quote!(String), false, Kind::Text),
            (parse_quote!(Option<u32>), true, Kind::Integer),
            (
                parse_quote!(std::option::Option<Vec<f64>>),
                true,
                Kind::List,
            ),
            (parse_quote!([f32; 3]), false, Kind::List),
            (parse_quote!(Colour), false, Kind::Unseen),
            (parse_quote!(Option<Colour>), true, Kind::Unseen),
        ] {
            assert_eq!(Shape::of(&ty), Shape { is_optional, kind });
        }
    }
}
