# Changes what Wine's installation script writes into the registry of a new machine: version, vendor, defaults.
inf=$1
sed -i \
    -e 's/Software\\Wine/Software\\Dell/g' \
    -e 's/"CSDVersion",2,"Service Pack 1"/"CSDVersion",2,""/' \
    -e 's/"CurrentBuild",2,"7601"/"CurrentBuild",2,"19045"/' \
    -e 's/"CurrentBuildNumber",2,"7601"/"CurrentBuildNumber",2,"19045"/' \
    -e 's/"ProductName",2,"Microsoft Windows 7"/"ProductName",2,"Windows 10 Pro"/' \
    -e 's/"CurrentVersion",2,"6.1"/"CurrentVersion",2,"6.3"/' \
    -e 's/12345-oem-0000001-54321/00330-80000-00000-AA213/' \
    -e 's/12\.0\.7601\.18840/12.0.19041.3636/; s/12,0,7601,18840/12,0,19041,3636/' \
    -e 's/"PATHEXT",,".*"/"PATHEXT",,".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC"/' \
    -e 's/winedevice\.exe/SgrmBroker.exe/; s/plugplay\.exe/WUDFHost.exe/' \
    -e '/Debug,"Relay/d' \
    -e '/winemenubuilder/d' \
    -e 's/"winedbg --auto %ld %ld"/"%11%\\WerFault.exe -u -p %ld -s %ld"/' \
    -e 's/"""%11%\\winebrowser.exe"" ""%1"""/"""C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"" --single-argument %1"/' \
    -e '/"DLLPath",2,"%11%\\winemapi.dll"/d' \
    "$inf"
