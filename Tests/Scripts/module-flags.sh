# To be sourced: sets module_flags, with which a compiler finds the modules built in $build/debug. BUILD_FOLDER names another
# build folder than .build.
build=${BUILD_FOLDER:-.build}
module_flags=(
    -I "$build/debug/Modules" -I Sources/CLMDB -I Sources/CLibPQ -I Sources/CRabbitMQ -I Sources/CRDKafka
    -I "$build/checkouts/GRDB.swift/Sources/GRDBSQLite")
for map in "$build"/checkouts/*/Sources/*/include/module.modulemap "$build"/debug/*.build/module.modulemap; do
    [ -f "$map" ] && module_flags+=(-Xcc "-fmodule-map-file=$map")
done
if command -v pkg-config >/dev/null 2>&1; then
    for flag in $(pkg-config --cflags lmdb libpq librabbitmq rdkafka); do module_flags+=(-Xcc "$flag"); done
fi
