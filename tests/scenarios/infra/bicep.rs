//! A Bicep file, read as far as the checks need it. The grammar is tree-sitter's; what a name means
//! is looked up here.
//!
//! This is no compiler: it knows declarations and uses, not Azure's types. A real `bicep build`
//! runs in `.github/workflows`.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::{Node, Parser};

/// A file, and what it declares and uses.
#[derive(Default)]
pub struct File {
    /// Its path within `infra/`.
    pub path: String,
    /// Where the grammar does not hold, by line.
    pub broken: Vec<usize>,
    pub params: BTreeMap<String, Param>,
    pub declarations: BTreeMap<String, Declaration>,
    pub outputs: BTreeSet<String>,
    /// Names that are used and declared nowhere in the file, with their line.
    pub undeclared: Vec<(String, usize)>,
    /// Parameters and variables that nothing uses.
    pub unused: Vec<String>,
    /// All properties of all objects, at any depth: key and the value's source.
    pub properties: Vec<(String, String)>,
    /// `module.outputs.name`, as pairs.
    pub outputs_taken: Vec<(String, String)>,
}

/// A parameter.
pub struct Param {
    pub required: bool,
    pub secure: bool,
    /// The source of its default.
    pub default: Option<String>,
}

/// A variable, resource or module.
pub struct Declaration {
    /// `variable_declaration`, `resource_declaration` or `module_declaration`.
    pub kind: String,
    /// The type of a resource, the path of a module.
    pub what: String,
    /// Its source.
    pub source: String,
    /// The properties of its own object, and of `params` beneath it.
    pub properties: BTreeMap<String, String>,
    pub params: BTreeMap<String, String>,
}

/// Functions of the language that may be called without being declared.
const FUNCTIONS: [&str; 26] = [
    "allowed",
    "concat",
    "contains",
    "description",
    "empty",
    "environment",
    "guid",
    "length",
    "loadTextContent",
    "maxLength",
    "maxValue",
    "minLength",
    "minValue",
    "metadata",
    "range",
    "replace",
    "resourceGroup",
    "secure",
    "string",
    "subscription",
    "subscriptionResourceId",
    "take",
    "tenant",
    "toLower",
    "union",
    "uniqueString",
];

impl File {
    pub fn read(path: &str, source: &str) -> Self {
        let mut parser = Parser::new();
        parser
            .set_language(&tree_sitter_bicep::LANGUAGE.into())
            .expect("the grammar fits the parser");
        let tree = parser.parse(source, None).expect("a parser with a language");
        let mut reader = Reader {
            source,
            file: File { path: path.to_owned(), ..File::default() },
            uses: Vec::new(),
            loops: BTreeSet::new(),
        };
        reader.top(tree.root_node());
        reader.walk(tree.root_node());
        reader.done()
    }

    /// The declaration of that name, or an empty one, in which nothing is found.
    pub fn source_of(&self, name: &str) -> &str {
        self.declarations.get(name).map_or("", |declaration| &declaration.source)
    }
}

struct Reader<'a> {
    source: &'a str,
    file: File,
    uses: Vec<(String, usize)>,
    loops: BTreeSet<String>,
}

impl Reader<'_> {
    fn text(&self, node: Node<'_>) -> String {
        self.source[node.byte_range()].to_owned()
    }

    /// The content of a literal string.
    fn literal(&self, node: Node<'_>) -> String {
        self.text(node).trim_matches('\'').to_owned()
    }

    fn top(&mut self, root: Node<'_>) {
        let mut secure = false;
        for node in children(root) {
            let parts = children(node);
            let name = parts.first().map(|first| self.text(*first)).unwrap_or_default();
            match node.kind() {
                "decorators" => {
                    secure = self.text(node).contains("@secure()");
                    continue;
                }
                "parameter_declaration" => {
                    let default = parts
                        .iter()
                        .skip(1)
                        .find(|part| part.kind() != "type")
                        .map(|part| self.text(*part));
                    self.file
                        .params
                        .insert(name, Param { required: default.is_none(), secure, default });
                }
                "output_declaration" => {
                    self.file.outputs.insert(name);
                }
                "variable_declaration" | "resource_declaration" | "module_declaration" => {
                    let what = parts
                        .get(1)
                        .filter(|part| part.kind() == "string")
                        .map(|part| self.literal(*part))
                        .unwrap_or_default();
                    let object = parts.last().and_then(|last| body(*last));
                    let properties = object.map(|object| self.object(object)).unwrap_or_default();
                    let params = object
                        .and_then(|object| self.property(object, "params"))
                        .map(|node| self.object(node))
                        .unwrap_or_default();
                    let declaration = Declaration {
                        kind: node.kind().to_owned(),
                        what,
                        source: self.text(node),
                        properties,
                        params,
                    };
                    self.file.declarations.insert(name, declaration);
                }
                _ => {}
            }
            secure = false;
        }
    }

    fn property<'t>(&self, object: Node<'t>, wanted: &str) -> Option<Node<'t>> {
        children(object)
            .into_iter()
            .filter(|child| child.kind() == "object_property")
            .map(children)
            .find(|pair| pair.len() == 2 && self.literal(pair[0]) == wanted)
            .map(|pair| pair[1])
    }

    fn object(&self, object: Node<'_>) -> BTreeMap<String, String> {
        let pairs = children(object)
            .into_iter()
            .filter(|child| child.kind() == "object_property")
            .map(children);
        pairs
            .filter(|pair| pair.len() == 2)
            .map(|pair| (self.literal(pair[0]), self.text(pair[1])))
            .collect()
    }

    fn walk(&mut self, node: Node<'_>) {
        let line = node.start_position().row + 1;
        if node.is_error() || node.is_missing() {
            self.file.broken.push(line);
        }
        let parts = children(node);
        let skipped = match node.kind() {
            // The first child is the name that is declared, or the key.
            "parameter_declaration"
            | "variable_declaration"
            | "resource_declaration"
            | "module_declaration"
            | "output_declaration" => 1,
            "object_property" => {
                if let [key, value] = parts[..] {
                    self.file.properties.push((self.literal(key), self.text(value)));
                }
                1
            }
            "for_statement" => {
                if let Some(variable) = node.child_by_field_name("initializer") {
                    self.loops.insert(self.text(variable));
                }
                0
            }
            "loop_variable" | "loop_enumerator" => {
                self.loops.insert(self.text(node));
                return;
            }
            "identifier" => {
                self.uses.push((self.text(node), line));
                return;
            }
            "member_expression" => {
                let text = self.text(node);
                if let [module, "outputs", name] = text.split('.').collect::<Vec<_>>()[..] {
                    self.file.outputs_taken.push((module.to_owned(), name.to_owned()));
                }
                0
            }
            _ => 0,
        };
        for part in parts.into_iter().skip(skipped) {
            self.walk(part);
        }
    }

    fn done(mut self) -> File {
        let used: BTreeSet<&String> = self.uses.iter().map(|(name, _)| name).collect();
        let file = &mut self.file;
        let variables = file
            .declarations
            .iter()
            .filter(|(_, declaration)| declaration.kind == "variable_declaration")
            .map(|(name, _)| name);
        file.unused = file
            .params
            .keys()
            .chain(variables)
            .filter(|name| !used.contains(name))
            .cloned()
            .collect();
        let known = |name: &String| {
            file.params.contains_key(name)
                || file.declarations.contains_key(name)
                || self.loops.contains(name)
                || FUNCTIONS.contains(&name.as_str())
        };
        file.undeclared = self.uses.iter().filter(|(name, _)| !known(name)).cloned().collect();
        self.file
    }
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    node.named_children(&mut node.walk()).filter(|child| child.kind() != "comment").collect()
}

/// The object of a declaration, also where it is repeated or conditional.
fn body(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "object" => Some(node),
        "for_statement" | "if_statement" => children(node).into_iter().rev().find_map(body),
        _ => None,
    }
}
