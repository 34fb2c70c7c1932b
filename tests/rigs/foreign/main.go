// One download by go-tuf: foreign STORE-URL FOLDER TARGET, with the trusted root in FOLDER/root.json.
package main

import (
	"fmt"
	"os"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

func run(url, folder, target string) error {
	root, err := os.ReadFile(folder + "/root.json")
	if err != nil {
		return err
	}
	settings, err := config.New(url+"/tuf/", root)
	if err != nil {
		return err
	}
	settings.LocalMetadataDir = folder
	settings.LocalTargetsDir = folder
	settings.RemoteTargetsURL = url + "/tuf/targets/"
	settings.PrefixTargetsWithHash = true
	client, err := updater.New(settings)
	if err != nil {
		return err
	}
	if err := client.Refresh(); err != nil {
		return err
	}
	found, err := client.GetTargetInfo(target)
	if err != nil {
		return err
	}
	_, _, err = client.DownloadTarget(found, folder+"/image", "")
	return err
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
