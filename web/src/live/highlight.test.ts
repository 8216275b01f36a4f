import { expect, it } from 'vitest'
import { highlighted, readable } from './highlight'

const whole = (text: string, language: 'sql' | 'markdown') =>
  highlighted(text, language)
    .map((part) => part.text)
    .join('')

it.each(['ALTER TABLE `tab<img src=x onerror=alert(1)>` ADD COLUMN `a` INT; -- "x"', '', '`unclosed', "'</script>"])(
  'keeps every sign of %j as text',
  (sql) => expect(whole(sql, 'sql')).toBe(sql),
)

it('colours what SQL knows', () => {
  expect(highlighted('SELECT 1', 'sql')).toContainEqual({ text: 'SELECT', className: 'hljs-keyword' })
})

it('shows a statement that it cannot parse as it is', () => {
  expect(readable("ALTER TABLE `x ADD '")).toBe("ALTER TABLE `x ADD '")
})

it('leaves names as they are when it breaks lines', () => {
  const sql = "UPDATE `tabSales  Invoice` SET `select`=`from` WHERE `name` > 'a  b' AND NOT (`select` <=> `from`)"
  expect(readable(sql).replace(/\s+/g, '')).toBe(sql.replace(/\s+/g, ''))
  expect(readable(sql)).toContain('`tabSales  Invoice`')
  expect(readable(sql)).toContain("'a  b'")
})
