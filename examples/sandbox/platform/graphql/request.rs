//! A parsed GraphQL request: which operation was meant, its variables, and the fields it selects. What is asked of
//! every server by the specification (October 2021) and nothing of introspection.

use std::collections::HashMap;

use graphql_parser::Pos;
use graphql_parser::query::{
    Definition, Directive, Document, Field, OperationDefinition, Selection, SelectionSet, Type, Value,
    VariableDefinition,
};
use serde_json::Value as Json;

/// An entry of `errors`.
pub struct Problem {
    pub message: String,
    pub position: Option<Pos>,
    /// The response key of the field that failed while it was being resolved.
    pub path: Option<String>,
}

impl Problem {
    pub fn new(message: impl Into<String>, position: Option<Pos>) -> Self {
        Self { message: message.into(), position, path: None }
    }
}

/// A field with the key that it gets in the answer.
pub struct Picked<'a> {
    pub key: &'a str,
    pub field: &'a Field<'a, &'a str>,
}

pub struct Request<'a> {
    pub mutation: bool,
    root: &'a SelectionSet<'a, &'a str>,
    variables: HashMap<&'a str, Json>,
    fragments: HashMap<&'a str, &'a SelectionSet<'a, &'a str>>,
}

impl<'a> Request<'a> {
    pub fn new(
        document: &'a Document<'a, &'a str>,
        name: Option<&str>,
        given: &Json,
    ) -> Result<Self, Problem> {
        let mut fragments = HashMap::new();
        let mut found = Vec::new();
        for definition in &document.definitions {
            match definition {
                Definition::Fragment(fragment) => {
                    fragments.insert(fragment.name, &fragment.selection_set);
                }
                Definition::Operation(operation) => found.push(Operation::new(operation)?),
            }
        }
        let mut meant = found.into_iter().filter(|operation| name.is_none() || operation.name == name);
        let operation = meant.next().ok_or_else(|| match name {
            Some(name) => Problem::new(format!("Unknown operation named \"{name}\"."), None),
            None => Problem::new("The request carries no operation.", None),
        })?;
        if meant.next().is_some() {
            return Err(Problem::new(
                "Must provide operation name if query contains multiple operations.",
                None,
            ));
        }
        let variables = operation
            .variables
            .iter()
            .map(|definition| Ok((definition.name, variable(definition, given)?)))
            .collect::<Result<_, Problem>>()?;
        Ok(Self { mutation: operation.mutation, root: operation.fields, variables, fragments })
    }

    pub fn root(&self) -> Result<Vec<Picked<'a>>, Problem> {
        self.fields(self.root)
    }

    /// The fields of a selection, fragments unfolded, and those left out that `@skip` or `@include` leave out. The
    /// same key twice counts once.
    pub fn fields(&self, set: &'a SelectionSet<'a, &'a str>) -> Result<Vec<Picked<'a>>, Problem> {
        let mut picked = Vec::new();
        self.collect(set, &mut picked, 0)?;
        Ok(picked)
    }

    fn collect(
        &self,
        set: &'a SelectionSet<'a, &'a str>,
        picked: &mut Vec<Picked<'a>>,
        depth: usize,
    ) -> Result<(), Problem> {
        if depth > 20 {
            return Err(Problem::new("The fragments are nested too deeply.", Some(set.span.0)));
        }
        for item in &set.items {
            match item {
                Selection::Field(field) if self.included(&field.directives)? => {
                    let key = field.alias.unwrap_or(field.name);
                    if !picked.iter().any(|known| known.key == key) {
                        picked.push(Picked { key, field });
                    }
                }
                Selection::InlineFragment(fragment) if self.included(&fragment.directives)? => {
                    self.collect(&fragment.selection_set, picked, depth + 1)?;
                }
                Selection::FragmentSpread(spread) if self.included(&spread.directives)? => {
                    let fragment = self.fragments.get(spread.fragment_name).ok_or_else(|| {
                        let message = format!("Unknown fragment \"{}\".", spread.fragment_name);
                        Problem::new(message, Some(spread.position))
                    })?;
                    self.collect(fragment, picked, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn included(&self, directives: &[Directive<'a, &'a str>]) -> Result<bool, Problem> {
        for directive in directives {
            let at = Some(directive.position);
            let wanted = match directive.name {
                "include" => true,
                "skip" => false,
                other => return Err(Problem::new(format!("Unknown directive \"@{other}\"."), at)),
            };
            let condition = directive.arguments.iter().find(|(name, _)| *name == "if");
            let condition =
                condition.ok_or_else(|| Problem::new("The directive needs the argument \"if\".", at))?;
            if self.value(&condition.1, at)? != Json::Bool(wanted) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The arguments of a field by name; one that the schema does not know is an error.
    pub fn arguments(
        &self,
        field: &'a Field<'a, &'a str>,
        known: &[&str],
    ) -> Result<HashMap<&'a str, Json>, Problem> {
        let mut arguments = HashMap::new();
        for (name, value) in &field.arguments {
            if !known.contains(name) {
                let message = format!("Unknown argument \"{name}\" on field \"{}\".", field.name);
                return Err(Problem::new(message, Some(field.position)));
            }
            arguments.insert(*name, self.value(value, Some(field.position))?);
        }
        Ok(arguments)
    }

    fn value(&self, value: &Value<'a, &'a str>, at: Option<Pos>) -> Result<Json, Problem> {
        match value {
            Value::Variable(name) => match self.variables.get(name) {
                Some(value) => Ok(value.clone()),
                None => Err(Problem::new(format!("Variable \"${name}\" is not defined."), at)),
            },
            constant => Ok(json(constant)),
        }
    }
}

struct Operation<'a> {
    name: Option<&'a str>,
    mutation: bool,
    variables: &'a [VariableDefinition<'a, &'a str>],
    fields: &'a SelectionSet<'a, &'a str>,
}

impl<'a> Operation<'a> {
    fn new(definition: &'a OperationDefinition<'a, &'a str>) -> Result<Self, Problem> {
        Ok(match definition {
            OperationDefinition::SelectionSet(set) => {
                Self { name: None, mutation: false, variables: &[], fields: set }
            }
            OperationDefinition::Query(query) => Self {
                name: query.name,
                mutation: false,
                variables: &query.variable_definitions,
                fields: &query.selection_set,
            },
            OperationDefinition::Mutation(mutation) => Self {
                name: mutation.name,
                mutation: true,
                variables: &mutation.variable_definitions,
                fields: &mutation.selection_set,
            },
            OperationDefinition::Subscription(subscription) => {
                return Err(Problem::new("There are no subscriptions.", Some(subscription.position)));
            }
        })
    }
}

/// The value of a variable: given, else its default, else null where its type allows that.
fn variable<'a>(definition: &VariableDefinition<'a, &'a str>, given: &Json) -> Result<Json, Problem> {
    let name = definition.name;
    let value = match (given.get(name), &definition.default_value) {
        (Some(value), _) => value.clone(),
        (None, Some(value)) => json(value),
        (None, None) => Json::Null,
    };
    let (required, kind) = match &definition.var_type {
        Type::NonNullType(inner) => (true, inner.as_ref()),
        kind => (false, kind),
    };
    let fits = match kind {
        _ if value.is_null() => !required,
        Type::NamedType("Int") => value.is_i64(),
        Type::NamedType("String") => value.is_string(),
        Type::NamedType("ID") => value.is_string() || value.is_i64(),
        Type::NamedType("Boolean") => value.is_boolean(),
        other => return Err(Problem::new(format!("Unknown type \"{other}\"."), Some(definition.position))),
    };
    let kind = &definition.var_type;
    if fits {
        Ok(value)
    } else if value.is_null() {
        let message = format!("Variable \"${name}\" of required type \"{kind}\" was not provided.");
        Err(Problem::new(message, Some(definition.position)))
    } else {
        let message = format!("Variable \"${name}\" got invalid value {value}; expected \"{kind}\".");
        Err(Problem::new(message, Some(definition.position)))
    }
}

/// A constant of the query as JSON. Lists and objects are in no argument's type here, so null does for them.
fn json<'a>(value: &Value<'a, &'a str>) -> Json {
    match value {
        Value::Int(number) => number.as_i64().into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => text.as_str().into(),
        Value::Enum(name) => (*name).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Null | Value::Variable(_) | Value::List(_) | Value::Object(_) => Json::Null,
    }
}
