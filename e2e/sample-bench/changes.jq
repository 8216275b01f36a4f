# One DocType's JSON with the changes of a version: fields removed, set (also renamed), added.
($all[0][$file]) as $c
| .fields |= (
    map(select(.fieldname as $n | ($c.remove // []) | index($n) | not))
    | map(.fieldname as $n | . + (($c.set // {})[$n] // {}))
    | . + ($c.add // [])
  )
| .field_order = [.fields[].fieldname]
| . + ($c.doctype // {})
