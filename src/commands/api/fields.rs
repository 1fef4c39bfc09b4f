//! `-f key=value` and `-F key=value`, as a query or as JSON.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use url::form_urlencoded;

use super::super::input::Input;
use crate::domain::text::decode;
use crate::domain::{Json, autocom};
use crate::error::{Error, Result};

/// `-f` and `-F` in the command line's order, which says what belongs to which item of a list. clap's derive
/// keeps a list for each flag, so the two are put together by their places.
#[derive(Debug)]
pub(super) struct Typed(Vec<Word>);

#[derive(Debug)]
enum Word {
    Plain(String),
    Typed(String),
}

/// What clap knows of the two.
#[derive(Args)]
struct FieldFlags {
    /// A string; KEY[SUB]=, KEY[]= and KEY[][SUB]= nest
    #[arg(short = 'f', long = "raw-field", value_name = "KEY=VALUE")]
    plain: Vec<String>,
    /// Typed field: true, false, null and numbers are sent as JSON; @FILE reads a file (@-: stdin)
    #[arg(short = 'F', long = "field", value_name = "KEY=VALUE")]
    typed: Vec<String>,
}

impl Args for Typed {
    fn augment_args(command: Command) -> Command {
        FieldFlags::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        FieldFlags::augment_args_for_update(command)
    }
}

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Typed, clap::Error> {
        let FieldFlags { plain, typed } = FieldFlags::from_arg_matches(matches)?;
        let places = |flag| matches.indices_of(flag).into_iter().flatten();
        let plain = places("plain").zip(plain.into_iter().map(Word::Plain));
        let typed = places("typed").zip(typed.into_iter().map(Word::Typed));
        let mut words: Vec<_> = plain.chain(typed).collect();
        words.sort_by_key(|(place, _)| *place);
        Ok(Typed(words.into_iter().map(|(_, word)| word).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Typed::from_arg_matches(matches)?;
        Ok(())
    }
}

/// One field, read.
pub(super) struct Field {
    key: String,
    /// `None`: an empty list, `-F 'key[]'`.
    value: Option<Json>,
}

impl Typed {
    pub(super) fn read(&self, input: &mut Input) -> Result<Vec<Field>> {
        self.0.iter().map(|word| Field::read(word, input)).collect()
    }
}

impl Field {
    fn read(word: &Word, input: &mut Input) -> Result<Field> {
        let (key, value) = match word {
            Word::Plain(field) => {
                let (key, value) = field.split_once('=').ok_or_else(|| malformed("-f"))?;
                (key, Some(Json::Text(value.to_owned())))
            }
            Word::Typed(field) => match field.split_once('=') {
                Some((key, value)) => (key, Some(value_of(value, input)?)),
                None if field.ends_with("[]") => (field.as_str(), None),
                None => return Err(malformed("-F")),
            },
        };
        Ok(Field { key: key.to_owned(), value })
    }
}

/// Not repeated: a token may have got there.
fn malformed(flag: &str) -> Error {
    Error::usage(format!("a field of {flag} is not KEY=VALUE")).hint(autocom("api --help"))
}

/// What a typed value means: a literal of JSON, a file's text, else itself.
fn value_of(text: &str, input: &mut Input) -> Result<Json> {
    if let Some(path) = text.strip_prefix('@') {
        let bytes = input.read(path)?;
        let text = decode(&bytes)
            .map_err(|_| Error::usage(format!("{path} is not UTF-8 text, so no field can hold it")))?;
        return Ok(Json::Text(text));
    }
    Ok(match Json::parse(text.as_bytes()) {
        Some(literal @ (Json::Null | Json::Bool(_) | Json::Number(_))) if text.trim() == text => literal,
        _ => Json::Text(text.to_owned()),
    })
}

/// The path with the fields in its query, behind what is there already.
pub(super) fn in_query(path: String, fields: &[Field]) -> String {
    if fields.is_empty() {
        return path;
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for Field { key, value } in fields {
        let value = match value {
            Some(Json::Text(text) | Json::Number(text)) => text,
            Some(Json::Bool(true)) => "true",
            Some(Json::Bool(false)) => "false",
            _ => "",
        };
        query.append_pair(key, value);
    }
    let separator = match path.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{path}{separator}{}", query.finish())
}

/// The fields as one object.
pub(super) fn object(fields: Vec<Field>) -> Result<Json> {
    let mut root = Json::Object(Vec::new());
    for Field { key, value } in fields {
        let placed = steps(&key).and_then(|steps| put(&mut root, &steps, value));
        placed.map_err(|why| {
            Error::usage(format!("the field `{key}` {why}")).hint("KEY, KEY[SUB], KEY[] or KEY[][SUB]")
        })?;
    }
    Ok(root)
}

/// What GraphQL takes: `query` and `operationName` as they are, every other field as a variable.
pub(super) fn graphql(fields: Vec<Field>) -> Result<Json> {
    let Json::Object(all) = object(fields)? else { return Ok(Json::Null) };
    let is_own = |(name, _): &(String, Json)| matches!(name.as_str(), "query" | "operationName");
    let (mut own, variables): (Vec<_>, Vec<_>) = all.into_iter().partition(is_own);
    if !variables.is_empty() {
        own.push(("variables".to_owned(), Json::Object(variables)));
    }
    Ok(Json::Object(own))
}

/// `a[b][]` is the steps `a`, `b` and the empty one.
fn steps(key: &str) -> Result<Vec<&str>, String> {
    let (name, mut rest) = key.find('[').map_or((key, ""), |at| key.split_at(at));
    if name.is_empty() {
        return Err("has no name".to_owned());
    }
    let mut steps = vec![name];
    while !rest.is_empty() {
        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let (step, after) = inner.ok_or("has brackets that don't match")?;
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

fn put(at: &mut Json, steps: &[&str], value: Option<Json>) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        *at = value.unwrap_or_else(|| Json::Array(Vec::new()));
        return Ok(());
    };
    // Something that is not there yet becomes what the next step makes it.
    if *at == Json::Null {
        *at = if step.is_empty() { Json::Array(Vec::new()) } else { Json::Object(Vec::new()) };
    }
    match at {
        Json::Array(items) if step.is_empty() => {
            if rest.is_empty() && value.is_none() {
                return Ok(());
            }
            // `a[][b]=1 a[][c]=2` is one item, `a[][b]=1 a[][b]=2` are two.
            let goes_on = rest.first().is_some_and(|name| {
                items.last().is_some_and(|last| matches!(last, Json::Object(_)) && last.get(name).is_none())
            });
            if !goes_on {
                items.push(Json::Null);
            }
            items.last_mut().map_or(Ok(()), |last| put(last, rest, value))
        }
        Json::Object(fields) if !step.is_empty() => {
            let place = fields.iter().position(|(name, _)| name == step).unwrap_or_else(|| {
                fields.push(((*step).to_owned(), Json::Null));
                fields.len() - 1
            });
            let slot = &mut fields[place].1;
            if rest.is_empty() && *slot != Json::Null {
                return Err("is given twice".to_owned());
            }
            put(slot, rest, value)
        }
        _ => Err("is a list here, an object or a value there".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &[&str]) -> Result<Vec<Field>> {
        let command = Typed::augment_args(Command::new("api").no_binary_name(true));
        let matches = command.try_get_matches_from(line).unwrap();
        Typed::from_arg_matches(&matches).unwrap().read(&mut Input::default())
    }

    /// Each word behind its flag.
    fn with<'a>(flag: &'a str, words: &[&'a str]) -> Vec<&'a str> {
        words.iter().flat_map(|word| [flag, word]).collect()
    }

    fn json(line: &[&str]) -> String {
        match fields(line).and_then(object) {
            Ok(object) => serde_json::to_string(&object).unwrap(),
            Err(error) => error.message,
        }
    }

    #[test]
    fn fields_nest_and_keep_types_and_digits() {
        assert_eq!(json(&with("-f", &["a=1", "b=x=y", "c="])), r#"{"a":"1","b":"x=y","c":""}"#);
        assert_eq!(
            json(&with("-F", &["a=true", "b=null", "c=-2999.00", "d=007", "e=[1]", "f= 1"])),
            r#"{"a":true,"b":null,"c":-2999.00,"d":"007","e":"[1]","f":" 1"}"#
        );
        let plain = with("-f", &["tags[]=x", "tags[]=y", "to[city]=Pune", "to[geo][lat]=1"]);
        assert_eq!(
            json(&[plain, with("-F", &["none[]", "tags[]=3"])].concat()),
            r#"{"tags":["x","y",3],"to":{"city":"Pune","geo":{"lat":"1"}},"none":[]}"#
        );
    }

    #[test]
    fn an_item_of_a_list_ends_where_the_command_line_begins_the_next() {
        assert_eq!(
            json(&with("-f", &["items[][sku]=a", "items[][n]=1", "items[][sku]=b"])),
            r#"{"items":[{"sku":"a","n":"1"},{"sku":"b"}]}"#
        );
        assert_eq!(
            json(&[
                "-f",
                "items[][sku]=007",
                "-F",
                "items[][n]=2",
                "--raw-field=items[][sku]=008",
                "-Fitems[][n]=3"
            ]),
            r#"{"items":[{"sku":"007","n":2},{"sku":"008","n":3}]}"#
        );
    }

    #[test]
    fn what_fits_no_object_is_refused() {
        for (plain, says) in [
            (vec!["a=1", "a=2"], "the field `a` is given twice"),
            (vec!["a=1", "a[b]=2"], "the field `a[b]` is a list here, an object or a value there"),
            (vec!["a[]=1", "a[b]=2"], "the field `a[b]` is a list here, an object or a value there"),
            (vec!["a[b=1"], "the field `a[b` has brackets that don't match"),
            (vec!["a[b]c=1"], "the field `a[b]c` has brackets that don't match"),
            (vec!["=1"], "the field `` has no name"),
            (vec!["hunter2"], "a field of -f is not KEY=VALUE"),
        ] {
            assert_eq!(json(&with("-f", &plain)), says);
        }
    }

    #[test]
    fn fields_of_a_query_are_encoded_behind_what_is_there() {
        let line = ["-f", "q=a b&c", "-f", "ids[]=1", "-F", "n=2"];
        let query = |path: &str| in_query(path.to_owned(), &fields(&line).unwrap());
        assert_eq!(query("/orders"), "/orders?q=a+b%26c&ids%5B%5D=1&n=2");
        assert_eq!(query("/orders?page=1"), "/orders?page=1&q=a+b%26c&ids%5B%5D=1&n=2");
        assert_eq!(in_query("/orders".to_owned(), &[]), "/orders");
    }

    #[test]
    fn graphql_takes_every_other_field_as_a_variable() {
        let line = ["-f", "query={ a }", "-f", "operationName=Q", "-f", "id=7", "-F", "first=3"];
        let body = graphql(fields(&line).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"query":"{ a }","operationName":"Q","variables":{"id":"7","first":3}}"#
        );
    }
}
