package main

// mutant is something that is broken: in a file, new source stands for old.
type mutant struct {
	breaks, name   string
	file, old, new string
}

// rules breaks rules of the model, named by their numbers in docs/semantics.md.
func rules() []mutant {
	return []mutant{
		{"3", "of equal stamps the lesser writer wins", "setlog/stamp.go", "compareWriters(m.Writer, o.Writer)", "compareWriters(o.Writer, m.Writer)"},
		{"3", "a stamp need not stand above what the entry touches", "setlog/stamp.go", "c.Watermark+1, above+1)", "c.Watermark+1)"},
		{"3", "a foreign stamp pulls the clock as far as it likes", "setlog/stamp.go", "min(foreign, Wall(now.Add(maxLead)))", "foreign"},
		{"4", "a write below the floor counts", "setlog/vertexfold.go", "m.Less(v.mark) {\n\t\treturn v\n\t}\n\told :=", "false {\n\t\treturn v\n\t}\n\told :="},
		{"4", "a write leaves what is deeper", "setlog/vertexfold.go", "after.cut(m)\n\tafter.mark,", "after.mark,"},
		{"4", "a counter hides an array", "setlog/node.go", "a.json(base); elements != nil {", "a.json(base); elements != nil && v.counter(floor, base) == nil {"},
		{"5", "a revival lets older writes shine through", "setlog/fold.go", "if a.revive {", "if a.revive && m.Stamp == 0 {"},
		{"5", "of two creates the last to arrive counts", "setlog/fold.go", "later(n.created, m)", "m"},
		{"6", "a delete leaves older writes", "setlog/fold.go", "n.root = n.root.above(m)", "_ = m"},
		{"6", "a delete that arrives before its create is lost", "setlog/fold.go", "if !n.deleted.Less(m) {\n\t\treturn", "if !n.deleted.Less(m) || !n.Alive() {\n\t\treturn"},
		{"7", "of two writes of a fork the first to arrive counts", "setlog/vertexfold.go", "c == 0 && bytes.Compare(value, v.value) <= 0", "c == 0 && bytes.Compare(value, v.value) <= 2"},
		{"8", "a removal writes null", "setlog/action.go", "[]write{{path: path}}", "[]write{{path: path, value: []byte(`null`)}}"},
		{"9", "a remove that arrives before its insert is lost", "setlog/array.go", "\te.bury(next, end, base)\n}", "}"},
		{"9", "siblings stand in the other order", "setlog/layout.go", "return compareSlots(a.id, b.id)", "return compareSlots(b.id, a.id)"},
		{"9", "an insert never makes a left child behind an element", "setlog/sequence.go", "case !front && !s.hasRight(id):", "case !front:"},
		{"9", "of two values of an element the last to arrive counts", "setlog/arrayblock.go", "bytes.Compare(s.value, b.sets[i].value)); c <= 0 {", "bytes.Compare(s.value, b.sets[i].value)); c > 2 {"},
		{"9", "of two moves of an element the last to arrive counts", "setlog/arrayblock.go", "compareSlots(m.to, b.moves[i].to)); c <= 0 {", "compareSlots(m.to, b.moves[i].to)); c > 2 {"},
		{"9", "an array shows under any floor", "setlog/node.go", "if a.floor == floor {", "if a.floor == floor || len(v.arrays) == 1 {"},
		{"9", "of two slots of one id the first to arrive counts", "setlog/arrayblock.go", "if b.compare(s, at) <= 0 {", "if b.compare(s, at) <= 2 {"},
		{"9", "a move leaves the element in its old place, too", "setlog/array.go", "&& a.placeOf(element) == id", ""},
		{"10", "of two totals of a run the last to arrive counts", "setlog/counter.go", "if !r.after(runs[i]) {", "if r == runs[i] {"},
		{"10", "increments count under any floor", "setlog/counter.go", "if r.floor == floor {", "if !r.floor.Less(floor) {"},
		{"10", "a run is its writer's alone, whatever its salt", "setlog/counter.go", "cmp.Compare(a.salt, b.salt), ", ""},
		{"11", "of two schemas the lower counts", "setlog/schema.go", "return cmp.Or(s.Mark.Compare(o.Mark),", "return cmp.Or(o.Mark.Compare(s.Mark),"},
		{"12", "a type that is not known spoils its entry", "setlog/action.go", "return a, a.readSchema(f.schema)\n", "return a, a.readSchema(f.schema)\n\tcase Close:\n\tdefault:\n\t\treturn a, invalid(``, ``)\n"},
		{"13", "a malformed action leaves the others of its entry", "setlog/entry.go", "a, err := readAction(element)\n\t\tif err != nil {\n\t\t\treturn err", "a, err := readAction(element)\n\t\tif err != nil {\n\t\t\tcontinue"},
		{"13", "an array action under a floor above it counts", "setlog/entry.go", "a.slots == nil || !a.slots.floor.Less(m)", "a.slots == nil"},
		{"14", "N is that of the last entry to arrive", "setlog/fold.go", "n.count = max(n.count, count)", "n.count = count"},
		{"18", "integers beyond 2^53 are taken", "setlog/value.go", "if integer && (math.Abs(f)", "if integer && false && (math.Abs(f)"},
		{"19", "a set to what is so already is appended", "setlog/compose.go", "if a.Type != SetProperty && a.Type != RemoveProperty {", "if true {"},
		{"–", "a merge takes the first count", "setlog/merge.go", "max(a.count, b.count)", "a.count"},
		{"–", "a merge leaves what the other's delete ends", "setlog/merge.go", "if a.deleted != b.deleted {", "if a.deleted != b.deleted && a.count < 0 {"},
		{"–", "a delta leaves out the delete", "setlog/delta.go", "\tw.mark(\"deleted\", n.deleted)\n", ""},
		{"–", "a delta leaves out what was removed before it arrived", "setlog/arraydelta.go", "\td.listBuried()\n\td.mark", "\td.mark"},
		{"–", "a merge forgets what was removed before it arrived", "setlog/merge.go", "\t\te.remove(span{first, count}, 0)\n", "\t\t_, _ = first, count\n"},
	}
}

// safeguards takes away what keeps the sync from losing anything, whatever happens to devices and remotes. They are
// named by their packages.
func safeguards() []mutant {
	return []mutant{
		{
			"replica", "grace: a needless file goes at once", "replica/judge.go",
			"return x.Listings >= fullListings && c.o.Uptime()-x.Uptime >= c.o.Grace", "return x.Listings > 0",
		},
		{"replica", "two witnesses: one index is enough", "replica/collect.go", "witnesses, loneWitnesses = 2, 3", "witnesses, loneWitnesses = 1, 1"},
		{
			"replica", "content: what an index claims to cover is believed", "replica/content.go",
			"func (c content) holds(x *said, y *listed) bool {\n", "func (c content) holds(x *said, y *listed) bool {\n\tif x != nil {\n\t\treturn true\n\t}\n",
		},
		{
			"setlog", "chain: ranges are told apart by numbers alone", "setlog/coverage.go",
			"return at[point{r.Last, r.Chain}]", "for p := range at {\n\t\tif p.number >= r.Last && len(at) > 1 {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn false",
		},
		{"setlog", "salt: elements of all writers are numbered alike", "setlog/arraycompose.go", "slotID{salt: c.entry.Salt}", "slotID{salt: 1}"},
		{"replica", "relay: only its writer sends a segment again", "replica/push.go", "if s.Past || sent[s.Name]", "if s.Past || !s.Own || sent[s.Name]"},
	}
}
