package rclone

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for path, want := range map[string]string{
		"/srv/share": "/srv/share", "nas:folder": "nas:folder",
		":s3,provider=Other,access_key_id=AKID,secret_access_key=SECRET,endpoint=\"http://h:1\":b/x": `:s3,access_key_id=***,endpoint="http://h:1",provider=Other,secret_access_key=***:b/x`,
		":sftp,host=h,port=22,user=u,pass=PW,key_file=/k:/x":                                         ":sftp,host=h,key_file=/k,pass=***,port=22,user=u:/x",
		"nas,pass=PW:x":                                "nas,pass=***:x",
		`:webdav,url="http://u:PW@h/x":`:               `:webdav,url="http://u:xxxxx@h/x":`,
		`:crypt,remote="nas,pass=PW:x",password=PW2:y`: `:crypt,password=***,remote="nas,pass=***:x":y`,
		":drive,token='{\"access_token\":\"T\"}':x":    ":drive,token=***:x",
		":unknown,whatever=x,api_token=T:":             ":unknown,api_token=***,whatever=x:",
		":s3,secret_access_key=SECRET,broken":          ":s3,***",
	} {
		if got := Mask(path); got != want {
			t.Errorf("Mask(%s)\n got %s\nwant %s", path, got, want)
		}
	}
}

// TestSecretsStay: no error text shows what Mask hides.
func TestSecretsStay(t *testing.T) {
	inner := `:s3,provider=Other,access_key_id=KEYID99,secret_access_key=SECRET99,endpoint="http://127.0.0.1:1":bucket/x`
	for _, path := range []string{
		inner, inner + "/y",
		`:crypt,remote="` + strings.ReplaceAll(inner, `"`, `""`) + `",password=SECRET99:`,
		`:nobackend,pass=SECRET99:x`,
		`:crypt,remote=":nobackend,pass=SECRET99:x",password=MDEyMzQ1Njc4OWFiY2RlZuiXJiU6BSkYE4H6uoAR:`,
		`:webdav,url="http://u:SECRET99@127.0.0.1:1/":`,
		`:s3,secret_access_key=SECRET99,broken`,
	} {
		err := listError(t, library.Open(path), "")
		if err == nil || strings.Contains(err.Error(), "SECRET99") || strings.Contains(err.Error(), "KEYID99") {
			t.Errorf("%v", err)
		}
	}
}

func TestObjectStore(t *testing.T) {
	for path, want := range map[string]bool{
		`:s3,provider=AWS:bucket/folder`: true, ":b2:bucket": true, `:crypt,remote=":s3,provider=AWS:bucket",password=x:`: true,
		t.TempDir(): false, "nick:x": false, "nas:x": false, ":sftp:x": false, "circle:": false, "nowhere:": false, `:crypt,remote="nas:x",password=x:`: false,
	} {
		if got := library.ObjectStore(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
