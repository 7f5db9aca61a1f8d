package daemon

import (
	"cmp"
	"slices"

	"github.com/setlogger/setlogger/api"
)

// trouble is a kind of problem, in the words that fit each case of it.
type trouble struct {
	name   string
	cause  string // what happened
	effect string // what works on, and what does not
	mend   string // what a person does, where the case has no better hint
}

// The names of the daemon's own problems. Package replica names the others.
const (
	remoteUnreachable = "remote-unreachable" // time may mend it
	folderVanished    = "folder-vanished"    // likewise: a disk comes back
	loginExpired      = "login-expired"
	remoteDenied      = "remote-denied"
	remoteFull        = "remote-full"
	remoteBusy        = "remote-busy"
	remoteFailing     = "remote-failing" // for a reason without a name
	twinFolders       = "twin-folders"
	shareMissing      = "share-missing"
	shareOther        = "share-other"
	folderNotEmpty    = "folder-not-empty"
	wrongKey          = "wrong-key"
	shareEncrypted    = "share-encrypted"
	sharePlain        = "share-plain"
	keyMissing        = "key-missing"
	brokenFile        = "broken-file"
	updateNeeded      = "update-needed"
	budgetReached     = "budget-reached"     // likewise
	notifyUnreachable = "notify-unreachable" // likewise: polls go on meanwhile
	bucketAwaited     = "bucket-awaited"     // another that time may mend
	bucketUnreadable  = "bucket-unreadable"
	diskFull          = "disk-full"
	diskFailing       = "disk-failing"
	clockOff          = "clock-off"
)

// kept ends the effect of all that keeps a remote from syncing.
const kept = " Apps read and write as ever, other remotes go on, and what is written waits here."

// troubles are all kinds of problems that a status can name: first what keeps a remote from syncing, then what its rounds went
// around, then what is of this device.
func troubles() []trouble {
	return slices.Concat(remoteTroubles(), shareTroubles(), roundTroubles(), deviceTroubles())
}

func remoteTroubles() []trouble {
	return []trouble{
		{
			remoteUnreachable, "the remote does not answer: no network, a wrong address, or it is down",
			"It is tried again, ever less often up to every 5 minutes." + kept, "check the network and the address: setlogger remote test NAME",
		},
		{
			folderVanished, "the place answers, and the remote's folder is not there: a disk that is not mounted, or a folder that was deleted or renamed",
			"It is never made anew by itself, and looked for again up to every 5 minutes." + kept, "mount the disk, or bring the folder back; to begin anew there: setlogger remote remove, then remote add",
		},
		{
			loginExpired, "the login is not taken any more: it ran out, was revoked, or the password was changed",
			"It is tried again, ever less often up to every 5 minutes." + kept, "rclone config reconnect NAME: logs in again; where a password was changed: rclone config, then setlogger service restart",
		},
		{
			remoteDenied, "the login is taken, and may not do this", "It is tried again, ever less often up to every 5 minutes." + kept,
			"give the login the right to read, write, list and delete in the folder",
		},
		{
			remoteFull, "the storage, or its quota, is used up",
			"What others write still arrives. Room is made where indexes make files needless; each share has a reserve for that." + kept, "make room on the remote, or raise its quota",
		},
		{
			remoteBusy, "the remote asks for fewer requests", "It is left alone until the time it named, or tried again ever less often." + kept,
			"nothing, it passes by itself; if it comes again and again, set a budget: setlogger remote budget NAME REQUESTS",
		},
		{
			remoteFailing, "the remote fails for a reason that has no name here", "It is tried again, ever less often up to every 5 minutes." + kept,
			"look at the remote's path and settings: setlogger remote test NAME",
		},
	}
}

func shareTroubles() []trouble {
	return []trouble{
		{
			twinFolders, "two folders of one name are in the share's folder, as Google Drive can hold: one device may use the one, another the other",
			"Nothing more is written there; what is in the one that is seen still arrives." + kept, "rclone dedupe NAME:FOLDER merges folders of one name",
		},
		{
			shareMissing, "the share's file is gone: the folder was emptied, or another one stands in its place",
			"The remote is left alone, so that nothing is sent to a wrong place." + kept, "bring the folder's content back; to begin a new share there: setlogger remote remove, then remote add",
		},
		{
			shareOther, "another share stands where this one was, or its file does not read: with crypt, a wrong password",
			"The remote is left alone, so that two shares are not mixed." + kept, "bring the first share back; or, to take part in the other one: setlogger remote remove, then remote add",
		},
		{
			folderNotEmpty, "the folder holds other things, and no share", "No share is made in it." + kept, "name an empty folder; of an encrypted remote, look at its password",
		},
		{
			wrongKey, "the share there was made with another recovery key", "Nothing is read or written there." + kept,
			"find the right key; setlogger remote remove, then remote add --join, or take another folder",
		},
		{
			shareEncrypted, "the remote was added as a plain one, and an encrypted share is there", "Nothing is written there." + kept,
			"setlogger remote remove, then remote add --join with its key",
		},
		{
			sharePlain, "the remote was added as an encrypted one, and a plain share is there", "Nothing is written there." + kept,
			"setlogger remote remove, then add it without a key, or take an empty folder",
		},
		{
			keyMissing, "`daemon.db` has no key for an encrypted remote", "Nothing is read or written there." + kept, "setlogger remote remove, then add it with the key",
		},
		{
			updateNeeded, "a newer version of SetLogger wrote the share, or a file in it", "The file is kept as it is, and what it holds does not show here. All else syncs, unless it is the whole share that is newer.",
			"update SetLogger on this device",
		},
		{
			budgetReached, "as many requests were sent in the last hour as the remote's budget allows", "Polls wait until there is room, an hour at most: what others write comes later. What is written here is sent as ever.",
			"nothing, it passes by itself; or raise the budget: setlogger remote budget NAME REQUESTS, 0 for none",
		},
		{
			notifyUnreachable, "the broker of a remote's channel does not answer, or does not let this device in",
			"The remote is polled as without it, and the broker is tried again; changes come later, none is lost.", "start the broker; look at the address and login",
		},
	}
}

func roundTroubles() []trouble {
	return []trouble{
		{
			"foreign-file", "files in `log/` are not SetLogger's: conflict copies of a sync program, placeholders", "They are left alone; syncing goes on.", "delete them, if they are copies",
		},
		{
			brokenFile, "a file's bytes are not what its name says, for an hour", "It is gone around, and tried again ever less often; all else syncs.", "delete the file: a device that holds its content sends it again",
		},
		{
			"entries-missing", "others have entries that are not on the remote, or files of a log are missing before later ones", "They are looked for in `past/` and `index/`; what is there shows.",
			"start the device that wrote them, or any that holds them",
		},
		{
			"files-vanished", "files that were there are gone: the storage was set back, or something deletes there", "What this device holds is sent again; nothing is lost here.", "keep cleaners out of the folder",
		},
		{
			"file-changed", "a file came back other than it was sent", "It is sent again.", "keep other programs out of the folder",
		},
		{
			"log-forked", "a writer wrote two different entries of one number: a clone, or an old copy of a device's data that was started", "Both are kept.", "run each device on data of its own",
		},
		{
			"writer-copied", "somebody else writes with this device's key", "Both are kept; this device goes on under a new key.", "run each device on data of its own",
		},
		{
			"index-overstated", "an index lacks entries that it says it covers", "It is not used, and another is written.", "update the device that wrote it, then delete the file",
		},
		{
			"second-birth", "two buckets of one name were made apart", "They are kept apart; each syncs with those who have it.", "`setlogger bucket join NAME --merge`, or another name",
		},
		{
			clockOff, "a clock is wrong: entries come from the future, or this device's clock was set back",
			"Everything syncs and nothing is lost. But of two edits of one value the one with the later stamp stands, so that the wrong clock's may win, and times shown are wrong.",
			"let the clocks of the devices keep themselves by the network",
		},
	}
}

func deviceTroubles() []trouble {
	return []trouble{
		{
			bucketAwaited, "the bucket was joined, and nothing of it has arrived yet", "It is looked for at each poll; reads are empty.",
			"append to it on the device that made it, and sync there",
		},
		{
			bucketUnreadable, "the bucket's file on this disk cannot be opened", "Calls on it are refused; all other buckets are served. Its copy on the remotes is untouched.",
			"move the file aside, then join the bucket again from its remote",
		},
		{
			diskFull, "this disk has no room left", "Appends are refused, and what was acknowledged stays. Reads work.", "free some room on the disk",
		},
		{
			diskFailing, "this disk refused a write", "Appends are refused, and what was acknowledged stays. Reads work.", "look at the disk's health, and at a copy of the data",
		},
	}
}

// passes tells of a kind of problem whether time may mend it, without a person.
func passes(name string) bool {
	return slices.Contains([]string{remoteUnreachable, folderVanished, remoteBusy, budgetReached, notifyUnreachable, bucketAwaited}, name)
}

// named makes a problem of a kind. The hint is that of the case, else the kind's.
func named(name, subject, detail, hint string) api.Problem {
	p := api.Problem{Name: name, Subject: subject, Detail: detail, Hint: hint}
	for _, t := range troubles() {
		if t.name == name {
			p.Cause, p.Effect, p.Hint = t.cause, t.effect, cmp.Or(hint, t.mend)
		}
	}
	return p
}
