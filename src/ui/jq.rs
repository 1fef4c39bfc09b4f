//! `--jq`: a filter of the jq language over the JSON of an answer.

use jaq_core::data::JustLut;
use jaq_core::load::{Arena, Error as LoadError, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars, unwrap_valr};
use jaq_json::{Val, read};

use crate::domain::printable;

/// How much of an expression, or of a value in an error, is shown.
const MAX_SHOWN: usize = 200;

/// Two formats of jq that its libraries leave out.
const ROWS: &str = r#"
def _cell(text): if type == "string" then text elif . == null then ""
    elif isboolean or isnumber then tojson else error("a row cannot contain \(tojson)") end;
def _escape(from; to): split(from) | join(to);
def @csv: [.[] | _cell("\"" + _escape("\""; "\"\"") + "\"")] | join(",");
def @tsv: [.[] | _cell(_escape("\\"; "\\\\") | _escape("\t"; "\\t") | _escape("\n"; "\\n") | _escape("\r"; "\\r"))]
    | join("\t");
"#;

/// Why an expression is none. A clause.
pub fn check(expression: &str) -> Result<(), String> {
    compile(expression).map(drop)
}

/// What the filter makes of a JSON document: a text as it is, everything else as JSON, each to be a line of its own.
///
/// # Errors
/// Why it cannot be applied, with what it made before that.
pub fn apply(expression: &str, json: &[u8]) -> Result<Vec<String>, String> {
    let filter = compile(expression)?;
    let input = read::parse_single(json).map_err(|_| "the answer is not JSON".to_owned())?;
    let context = Ctx::<JustLut<Val>>::new(&filter.lut, Vars::new([]));
    let outputs = filter.id.run((context, input)).map(unwrap_valr);
    outputs
        .map(|output| match output {
            Ok(Val::TStr(text) | Val::BStr(text)) => Ok(String::from_utf8_lossy(&text).into_owned()),
            Ok(value) => Ok(value.to_string()),
            Err(error) => Err(printable(&error.to_string(), MAX_SHOWN)),
        })
        .collect()
}

fn compile(expression: &str) -> Result<Filter<JustLut<Val>>, String> {
    let rows = jaq_core::load::parse(ROWS, |parser| parser.defs()).unwrap_or_default();
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(rows);
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let program = File { code: expression, path: () };
    let modules = Loader::new(definitions).load(&arena, program).map_err(|errors| {
        let error = errors.into_iter().next().map(|(_, error)| error);
        match error {
            Some(LoadError::Lex(errors)) => unexpected(errors.first().map(|(due, at)| (due.as_str(), *at))),
            Some(LoadError::Parse(errors)) => unexpected(errors.first().map(|(due, at)| (due.as_str(), *at))),
            Some(LoadError::Io(_)) => "modules are not supported".to_owned(),
            None => unexpected(None),
        }
    })?;
    Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
        let undefined = errors.into_iter().flat_map(|(_, errors)| errors).next();
        undefined.map_or_else(
            || "it is not valid".to_owned(),
            |(name, kind)| format!("{} `{}` is not defined", kind.as_str(), printable(name, MAX_SHOWN)),
        )
    })
}

fn unexpected(error: Option<(&str, &str)>) -> String {
    match error {
        Some((due, "")) => format!("expected {due} at its end"),
        Some((due, at)) => format!("expected {due} at `{}`", printable(at, MAX_SHOWN)),
        None => "it is not valid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_as_they_are_and_digits_survive() {
        let json = br#"[{"n":"a b","t":2999.00},{"n":"c","t":9007199254740993.01}]"#;
        assert_eq!(apply(".[].n", json).unwrap(), ["a b", "c"]);
        assert_eq!(apply(".[].t", json).unwrap(), ["2999.00", "9007199254740993.01"]);
        assert_eq!(apply("map(select(.n == \"c\")) | length", json).unwrap(), ["1"]);
        assert_eq!(apply("{n: .[0].n, none: empty}, null", json).unwrap(), ["null"]);
        assert_eq!(apply("[.[] | .n | test(\"^a\")] | @json", json).unwrap(), ["[true,false]"]);
        assert_eq!(apply(".[0]", json).unwrap(), [r#"{"n":"a b","t":2999.00}"#]);
        assert_eq!(apply(".[] | [.n, .t, null, true] | @csv", json).unwrap()[0], r#""a b",2999.00,,true"#);
        assert_eq!(apply(r#"["a\tb\\", "", 1] | @tsv"#, b"1").unwrap(), ["a\\tb\\\\\t\t1"]);
        assert!(apply("[[1]] | @tsv", b"1").unwrap_err().contains("cannot contain [1]"));
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_told() {
        for (expression, why) in [
            (".[", "expected"),
            ("nonsense", "filter `nonsense` is not defined"),
            ("$ENV.HOME", "variable `$ENV` is not defined"),
            ("", ""),
        ] {
            let told = check(expression).map_or_else(|why| why, |()| String::new());
            assert!(told.contains(why), "{expression}: {told}");
        }
        assert!(apply(".a.b", b"[1]").unwrap_err().contains("cannot"), "{:?}", apply(".a.b", b"[1]"));
    }
}
