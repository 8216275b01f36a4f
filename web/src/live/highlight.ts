import markdown from 'highlight.js/lib/languages/markdown'
import sql from 'highlight.js/lib/languages/sql'
import yaml from 'highlight.js/lib/languages/yaml'
import { createLowlight } from 'lowlight'
import { formatDialect, mariadb } from 'sql-formatter'

/** A piece of text with the class that colours it. */
export interface Part {
  readonly text: string
  readonly className: string
}

const lowlight = createLowlight({ markdown, sql, yaml })

/** Longer texts are shown as they are: colouring them would make typing slow. */
const LIMIT = 30_000

type Node = ReturnType<typeof lowlight.highlight>['children'][number]

function flatten(nodes: readonly Node[], className: string, into: Part[]): Part[] {
  for (const node of nodes) {
    if (node.type === 'text') into.push({ text: node.value, className })
    else if (node.type === 'element') {
      const own = node.properties['className']
      flatten(node.children, Array.isArray(own) ? own.join(' ') : className, into)
    }
  }
  return into
}

/** A text in coloured pieces, never as markup. */
export function highlighted(text: string, language: 'sql' | 'yaml' | 'markdown' | 'plain'): Part[] {
  if (language === 'plain' || text.length > LIMIT) return [{ text, className: '' }]
  return flatten(lowlight.highlight(language, text).children, '', [])
}

/** Statements that the formatter breaks where a reader would; it does not know triggers. */
const FORMATTED = /^\s*(ALTER|CREATE\s+TABLE|CREATE\s+[^;]*VIEW|SELECT|INSERT|UPDATE|DELETE)\b/i

/** A statement over several lines, for reading; what cannot be parsed stays as it is. */
export function readable(statement: string): string {
  if (statement.length > LIMIT || statement.includes('\n') || !FORMATTED.test(statement)) return statement
  try {
    return formatDialect(statement, { dialect: mariadb, keywordCase: 'preserve', expressionWidth: 80 })
  } catch {
    return statement
  }
}
