// Command pocketbase serves PocketBase with collections that anybody may use, named as arguments, to be timed beside SetLogger.
// It is a module of its own, so that PocketBase is no dependency of the project.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
)

func main() {
	dir := flag.String("data", "", "data folder")
	listen := flag.String("listen", "", "address")
	full := flag.Bool("full", false, "SQLite waits for the disk at each commit (synchronous=FULL); PocketBase itself sets NORMAL, which does not")
	flag.Parse()
	if err := serve(*dir, *listen, *full, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(dir, listen string, full bool, collections []string) error {
	config := pocketbase.Config{HideStartBanner: true, DefaultDataDir: dir}
	if full {
		config.DBConnect = connectFull
	}
	os.Args = os.Args[:1] // PocketBase reads flags of its own
	app := pocketbase.NewWithConfig(config)
	if err := app.Bootstrap(); err != nil {
		return err
	}
	if err := app.RunAllMigrations(); err != nil {
		return err
	}
	for _, name := range collections {
		if err := makeCollection(app, name); err != nil {
			return err
		}
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		e.InstallerFunc = nil // it would open a browser
		return e.Next()
	})
	return apis.Serve(app, apis.ServeConfig{HttpAddr: listen})
}

// connectFull opens a database with the settings of core.DefaultDBConnect, but for synchronous.
func connectFull(path string) (*dbx.DB, error) {
	return dbx.Open("sqlite", path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)"+
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)")
}

// makeCollection makes one whose records have what the measured actions set.
func makeCollection(app core.App, name string) error {
	c := core.NewBaseCollection(name)
	c.Fields.Add(&core.TextField{Name: "name"}, &core.TextField{Name: "country"}, &core.NumberField{Name: "population"}, &core.TextField{Name: "note"})
	open := ""
	c.ViewRule, c.CreateRule = &open, &open
	return app.Save(c)
}
