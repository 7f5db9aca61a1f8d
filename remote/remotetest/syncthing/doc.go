// Package syncthing keeps the copies that devices have of one folder the same, as Syncthing does: what changes in one comes
// to the others file by file, late and in any order, by way of temporary names, with conflict copies and with files that come
// back after they were removed.
//
// It follows docs.syncthing.net/users/syncing.html and no more: it is no Syncthing, and all copies lie on this machine.
package syncthing
