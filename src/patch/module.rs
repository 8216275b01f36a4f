//! One Python file, parsed within limits.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};
use ruff_python_parser::{Mode, lexer, parse_module};
use ruff_text_size::TextRange;
use thiserror::Error;

use super::value::Value;

/// Bytes of a file of code: the largest module of ERPNext has 140 KB.
pub const MAX_CODE_BYTES: usize = 1024 * 1024;
/// Brackets, blocks and operators within one another. People's code reaches about 100.
const MAX_NESTING: usize = 600;
/// Characters of source text that an effect quotes.
const QUOTED: usize = 120;

/// Why a file of code cannot be read; each names the file.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum ModuleError {
    /// It is larger than code of people is.
    #[error("failed to read {path}: it has {size} bytes, more than the {MAX_CODE_BYTES} that code may have")]
    TooLarge {
        /// File within the app.
        path: String,
        /// Its size in bytes.
        size: usize,
    },
    /// It is no UTF-8 text.
    #[error("failed to read {path}: it is not UTF-8 text")]
    NotText {
        /// File within the app.
        path: String,
    },
    /// It is nested deeper than any code of people.
    #[error("failed to read {path}: it is nested deeper than {MAX_NESTING} levels")]
    TooDeep {
        /// File within the app.
        path: String,
    },
    /// It is no Python of today.
    #[error("failed to parse {path}: line {line}: {reason}")]
    Syntax {
        /// File within the app.
        path: String,
        /// Line, from 1.
        line: u32,
        /// What the parser says.
        reason: String,
    },
}

/// A parsed file.
#[derive(Debug)]
pub(super) struct Module {
    /// Dotted name.
    pub(super) name: String,
    /// File within the app.
    pub(super) path: String,
    /// Whether it is a package (`__init__.py`): relative names then begin in it.
    pub(super) is_package: bool,
    /// Lines before it in the file, for code that is a line of `patches.txt`.
    pub(super) lines_before: u32,
    source: String,
    lines: Vec<usize>,
    pub(super) body: Vec<Stmt>,
    /// Statements at the top by the names that they bind.
    binders: HashMap<String, Binder>,
    /// Values of names at the top that were asked for.
    pub(super) globals: RefCell<HashMap<String, Value>>,
    functions: RefCell<BTreeMap<String, Rc<StmtFunctionDef>>>,
}

/// Where a name of a module comes from.
#[derive(Debug, Clone)]
pub(super) enum Binder {
    /// `def`.
    Function(StmtFunctionDef),
    /// `class`.
    Class,
    /// An import: the dotted name of what it stands for.
    Import(String),
    /// An assignment of this value.
    Value(Expr),
    /// Something else, e.g. a loop at the top.
    Other,
}

impl Module {
    /// Parses a file.
    ///
    /// # Errors
    /// If it is too large, too deep, no text or no Python; the message names the file and the line.
    pub(super) fn parse(name: &str, path: &str, bytes: &[u8]) -> Result<Self, ModuleError> {
        if bytes.len() > MAX_CODE_BYTES {
            return Err(ModuleError::TooLarge { path: path.to_owned(), size: bytes.len() });
        }
        let Ok(source) = std::str::from_utf8(bytes) else {
            return Err(ModuleError::NotText { path: path.to_owned() });
        };
        let source = source.strip_prefix('\u{feff}').unwrap_or(source).to_owned();
        let lines = line_starts(&source);
        if too_deep(&source) {
            return Err(ModuleError::TooDeep { path: path.to_owned() });
        }
        let parsed = parse_module(&source).map_err(|error| ModuleError::Syntax {
            path: path.to_owned(),
            line: line(&lines, error.location.start().to_usize()),
            reason: error.error.to_string(),
        })?;
        let body: Vec<Stmt> = parsed.into_suite().into_iter().collect();
        let is_package = path.ends_with("/__init__.py");
        let mut binders = HashMap::new();
        bind(&body, &|relative, level| absolute(name, is_package, relative, level), &mut binders);
        Ok(Self {
            name: name.to_owned(),
            path: path.to_owned(),
            is_package,
            lines_before: 0,
            source,
            lines,
            body,
            binders,
            globals: RefCell::default(),
            functions: RefCell::default(),
        })
    }

    /// Lets go of the values that were found: functions among them hold the module, which would never be freed.
    pub(super) fn forget(&self) {
        self.globals.borrow_mut().clear();
    }

    /// The line of a place in the file, from 1.
    pub(super) fn line(&self, range: TextRange) -> u32 {
        self.lines_before + line(&self.lines, range.start().to_usize())
    }

    /// The source text of a place in one line, shortened.
    pub(super) fn quote(&self, range: TextRange) -> String {
        let text = self.source.get(range.start().to_usize()..range.end().to_usize()).unwrap_or_default();
        shortened(text)
    }

    /// What binds a name at the top of the file.
    pub(super) fn binder(&self, name: &str) -> Option<&Binder> {
        self.binders.get(name)
    }

    /// A function of the file.
    pub(super) fn function(&self, name: &str) -> Option<Rc<StmtFunctionDef>> {
        if let Some(known) = self.functions.borrow().get(name) {
            return Some(Rc::clone(known));
        }
        let Some(Binder::Function(function)) = self.binders.get(name) else { return None };
        let function = Rc::new(function.clone());
        self.functions.borrow_mut().insert(name.to_owned(), Rc::clone(&function));
        Some(function)
    }

    /// The absolute name of a relative import in this file.
    pub(super) fn absolute(&self, relative: &str, level: u32) -> String {
        absolute(&self.name, self.is_package, relative, level)
    }
}

/// Text in one line, cut where it is long.
pub(super) fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(QUOTED).collect();
    let text = words.join(" ");
    if text.chars().count() <= QUOTED {
        text
    } else {
        format!("{}...", text.chars().take(QUOTED).collect::<String>())
    }
}

fn line_starts(source: &str) -> Vec<usize> {
    std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

fn line(starts: &[usize], at: usize) -> u32 {
    u32::try_from(starts.partition_point(|start| *start <= at)).unwrap_or(u32::MAX)
}

/// The absolute dotted name of `from ..relative import`.
fn absolute(name: &str, is_package: bool, relative: &str, level: u32) -> String {
    if level == 0 {
        return relative.to_owned();
    }
    let mut parts: Vec<&str> = name.split('.').collect();
    let up = usize::try_from(level).unwrap_or(usize::MAX) - usize::from(is_package);
    parts.truncate(parts.len().saturating_sub(up));
    parts.extend(Some(relative).filter(|relative| !relative.is_empty()));
    parts.join(".")
}

/// Whether code is nested too deeply. The parser, the walk and the end of a tree all go as deep as their input:
/// this counts from tokens alone what could become a level, brackets and blocks and the operators between separators.
fn too_deep(source: &str) -> bool {
    let mut lexer = lexer::lex(source, Mode::Module);
    let (mut outer, mut depth, mut run, mut lambdas) = (Vec::new(), 0_usize, 0_usize, 0_usize);
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return false,
            TokenKind::Lpar
            | TokenKind::Lsqb
            | TokenKind::Lbrace
            | TokenKind::Indent
            | TokenKind::FStringStart
            | TokenKind::TStringStart => {
                outer.push(run + 1);
                depth += run + 1;
                run = 0;
            }
            TokenKind::Rpar
            | TokenKind::Rsqb
            | TokenKind::Rbrace
            | TokenKind::Dedent
            | TokenKind::FStringEnd
            | TokenKind::TStringEnd => {
                run = outer.pop().unwrap_or(0);
                depth = depth.saturating_sub(run);
            }
            TokenKind::Newline | TokenKind::Semi => {
                (run, lambdas) = (0, 0);
            }
            TokenKind::Comma => run = 0,
            // Not ended by a comma: its parameters have some.
            TokenKind::Lambda => lambdas += 1,
            TokenKind::Comment
            | TokenKind::NonLogicalNewline
            | TokenKind::String
            | TokenKind::FStringMiddle => {}
            _ => run += 1,
        }
        if depth + run + lambdas * 2 > MAX_NESTING {
            return true;
        }
    }
}

/// Names that statements at the top bind; in both branches of an `if` or `try` too.
fn bind(body: &[Stmt], absolute: &dyn Fn(&str, u32) -> String, binders: &mut HashMap<String, Binder>) {
    for statement in body {
        match statement {
            Stmt::FunctionDef(function) => {
                binders.insert(function.name.to_string(), Binder::Function(function.clone()));
            }
            Stmt::ClassDef(class) => {
                binders.insert(class.name.to_string(), Binder::Class);
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                for (name, target) in imports(statement, absolute) {
                    binders.insert(name, Binder::Import(target));
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    match target {
                        Expr::Name(name) => {
                            binders.insert(name.id.to_string(), Binder::Value((*assign.value).clone()));
                        }
                        other => bind_others(other, binders),
                    }
                }
            }
            Stmt::AnnAssign(assign) => {
                if let (Expr::Name(name), Some(value)) = (assign.target.as_ref(), &assign.value) {
                    binders.insert(name.id.to_string(), Binder::Value((**value).clone()));
                }
            }
            Stmt::AugAssign(assign) => bind_others(&assign.target, binders),
            Stmt::For(each) => bind_others(&each.target, binders),
            Stmt::If(test) => {
                bind(&test.body, absolute, binders);
                for clause in &test.elif_else_clauses {
                    bind(&clause.body, absolute, binders);
                }
            }
            Stmt::Try(attempt) => {
                bind(&attempt.body, absolute, binders);
                bind(&attempt.orelse, absolute, binders);
                bind(&attempt.finalbody, absolute, binders);
            }
            _ => {}
        }
    }
}

/// Names that hold more than one value in the course of the file.
fn bind_others(target: &Expr, binders: &mut HashMap<String, Binder>) {
    match target {
        Expr::Name(name) => {
            binders.insert(name.id.to_string(), Binder::Other);
        }
        Expr::Tuple(tuple) => tuple.elts.iter().for_each(|each| bind_others(each, binders)),
        Expr::List(list) => list.elts.iter().for_each(|each| bind_others(each, binders)),
        _ => {}
    }
}

/// The names that an import binds, with the dotted names that they stand for.
pub(super) fn imports(statement: &Stmt, absolute: &dyn Fn(&str, u32) -> String) -> Vec<(String, String)> {
    match statement {
        Stmt::Import(import) => {
            let bound = import.names.iter().map(|alias| {
                if let Some(name) = &alias.asname {
                    (name.to_string(), alias.name.to_string())
                } else {
                    let root = alias.name.split('.').next().unwrap_or_default().to_owned();
                    (root.clone(), root)
                }
            });
            bound.collect()
        }
        Stmt::ImportFrom(import) => {
            let module = absolute(import.module.as_ref().map_or("", |module| module.as_str()), import.level);
            let bound = import.names.iter().map(|alias| {
                let name = alias.asname.as_ref().unwrap_or(&alias.name).to_string();
                (name, format!("{module}.{}", alias.name))
            });
            bound.collect()
        }
        _ => Vec::new(),
    }
}
